//! Runs key derivations off the runtime, no more at once than there are processors.
//!
//! Each takes up to a second and tens of megabytes; twenty keys opened at once would else take twenty times the
//! memory to be done no sooner.

use claviger_platform::harden;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The work did not end: the program is ending.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("interrupted, as claviger is ending")]
pub(super) struct Interrupted;

/// A limit on work that keeps a processor busy.
pub(super) struct Gate(Arc<Semaphore>);

impl Gate {
    /// As many places as processors.
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(
            std::thread::available_parallelism().map_or(1, usize::from),
        )))
    }

    /// Runs `job`, which handles secrets, on a blocking thread, and wipes what it left on that thread's stack.
    pub(super) async fn run<R, J>(&self, job: J) -> Result<R, Interrupted>
    where
        R: Send + 'static,
        J: FnOnce() -> R + Send + 'static,
    {
        // The place moves along, so that it stays taken when the caller no longer waits.
        let place = self.0.clone().acquire_owned().await.map_err(|_| Interrupted)?;
        Self::run_short(move || {
            let _place = place;
            job()
        })
        .await
    }

    /// As [`run`](Self::run), for a job that derives nothing: it takes no place, so it waits behind no derivation.
    pub(super) async fn run_short<R, J>(job: J) -> Result<R, Interrupted>
    where
        R: Send + 'static,
        J: FnOnce() -> R + Send + 'static,
    {
        let work = tokio::task::spawn_blocking(move || harden::scrubbed(job));
        work.await.map_err(|_| Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_run_at_once_than_there_are_processors() {
        let gate = Arc::new(Gate::new());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let jobs = (0..50).map(|n| {
            let (gate, running, most) = (gate.clone(), running.clone(), most.clone());
            tokio::spawn(async move {
                let job = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    n
                };
                assert_eq!(gate.run(job).await.unwrap(), n);
            })
        });
        for job in jobs.collect::<Vec<_>>() {
            job.await.unwrap();
        }
        let processors = std::thread::available_parallelism().unwrap().get();
        assert!((1..=processors).contains(&most.load(Ordering::SeqCst)));
    }
}
