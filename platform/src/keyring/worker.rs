//! One thread that talks to the keyring, and callers that never wait for it longer than their limit.
//!
//! The keyring's interface blocks, and can block for ever. A thread that overran its limit is left behind and the
//! next call starts a new one, so that a service which came back is usable at once; a thread that was left behind
//! ends as soon as its call returns. At most [`MAX_THREADS`] exist: while all of them hang, calls fail at once.
use super::KeyringError;
use super::imp::Session;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// One that works and a few that hang.
const MAX_THREADS: usize = 4;

type Job = Box<dyn FnOnce(&mut Session) + Send>;

pub(super) struct Worker {
    limit: Duration,
    current: Mutex<Current>,
    /// One clone per living thread: its count is their number.
    threads: Arc<()>,
}

#[derive(Default)]
struct Current {
    jobs: Option<Sender<Job>>,
    /// Tells whether the thread that timed out is still the one that gets the jobs.
    generation: u64,
}

impl Worker {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            current: Mutex::default(),
            threads: Arc::new(()),
        }
    }

    /// Runs `ask` on the keyring's thread and waits for its answer, at most for the limit.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Session) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let (reply, answer) = oneshot::channel();
        let generation = self.send(Box::new(move |session| {
            // Whoever waited may have given up while this job stood in the queue: then nothing must change any more.
            if !reply.is_closed() {
                let _ = reply.send(ask(session));
            }
        }))?;
        match tokio::time::timeout(self.limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                self.abandon(generation);
                Err(KeyringError::Failed("its thread ended".to_owned()))
            }
            Err(_) => {
                self.abandon(generation);
                Err(timed_out(self.limit))
            }
        }
    }

    fn send(&self, job: Job) -> Result<u64, KeyringError> {
        let mut current = self.current();
        let job = match &current.jobs {
            Some(jobs) => match jobs.send(job) {
                Ok(()) => return Ok(current.generation),
                Err(unsent) => unsent.0,
            },
            None => job,
        };
        if Arc::strong_count(&self.threads) > MAX_THREADS {
            return Err(timed_out(self.limit));
        }
        let jobs = self.start()?;
        let _ = jobs.send(job);
        current.jobs = Some(jobs);
        current.generation += 1;
        Ok(current.generation)
    }

    fn start(&self) -> Result<Sender<Job>, KeyringError> {
        let (jobs, queue) = channel();
        let (limit, alive) = (self.limit, Arc::clone(&self.threads));
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                serve(&queue, limit);
                drop(alive);
            })
            .map_err(|error| KeyringError::Failed(format!("no thread for it: {error}")))?;
        Ok(jobs)
    }

    fn abandon(&self, generation: u64) {
        let mut current = self.current();
        if current.generation == generation {
            current.jobs = None;
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(queue: &Receiver<Job>, limit: Duration) {
    let mut session = Session::new(limit);
    while let Ok(job) = queue.recv() {
        job(&mut session);
    }
}

/// The error that names `limit`, in whole seconds and never "0 s".
pub(super) fn timed_out(limit: Duration) -> KeyringError {
    KeyringError::TimedOut(limit.as_secs().max(1))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap()
    }

    fn hang(release: Arc<Mutex<Receiver<()>>>) -> impl FnOnce(&mut Session) -> Result<(), KeyringError> {
        move |_| {
            let _ = release.lock().unwrap().recv();
            Ok(())
        }
    }

    #[test]
    fn a_hanging_call_is_given_up_and_the_next_one_works() {
        let worker = Worker::new(Duration::from_millis(50));
        let (release, gate) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        runtime().block_on(async {
            let hung = worker.call(hang(gate)).await;
            assert!(matches!(hung, Err(KeyringError::TimedOut(1))));
            assert_eq!(worker.call(|_| Ok(7)).await.ok(), Some(7));
        });
        drop(release);
    }

    #[test]
    fn hanging_threads_are_bounded_and_usable_again_when_they_return() {
        let worker = Worker::new(Duration::from_millis(20));
        let (release, gate) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        runtime().block_on(async {
            for _ in 0..3 * MAX_THREADS {
                assert!(worker.call(hang(Arc::clone(&gate))).await.is_err());
                assert!(Arc::strong_count(&worker.threads) <= MAX_THREADS + 1);
            }
            let refused = worker.call(|_| -> Result<(), KeyringError> { unreachable!() });
            assert!(matches!(refused.await, Err(KeyringError::TimedOut(_))));
            drop(release);
            while Arc::strong_count(&worker.threads) > 1 {
                tokio::task::yield_now().await;
            }
            assert_eq!(worker.call(|_| Ok(7)).await.ok(), Some(7));
        });
    }

    #[test]
    fn a_queued_change_is_not_made_after_its_caller_gave_up() {
        let worker = Worker::new(Duration::from_millis(50));
        let (release, gate) = mpsc::channel();
        let gate = Arc::new(Mutex::new(gate));
        let (changed, changes) = mpsc::channel();
        runtime().block_on(async {
            let late = move |_: &mut Session| changed.send(()).map_err(|_| KeyringError::Locked);
            let (first, second) = tokio::join!(worker.call(hang(gate)), worker.call(late));
            assert!(first.is_err() && second.is_err());
        });
        drop(release);
        // The thread drops the queued job, and with it the sender, without having run it.
        assert!(changes.recv().is_err());
    }

    #[test]
    fn a_thread_that_panicked_is_replaced() {
        let worker = Worker::new(Duration::from_secs(30));
        runtime().block_on(async {
            let broken = worker.call(|_| -> Result<(), KeyringError> { panic!("on purpose") });
            assert!(matches!(broken.await, Err(KeyringError::Failed(_))));
            assert_eq!(worker.call(|_| Ok(7)).await.ok(), Some(7));
        });
    }
}
