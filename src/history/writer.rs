//! The thread that writes: one, so that changes reach the file in their order, and so that no login waits for a disk.

use super::HistoryError;
use super::store::{Change, Store};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What is lost if a disk is slower than this at the agent's end is one login's lesson.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Changes that are written in one transaction.
const AT_ONCE: usize = 1000;

enum Task {
    Write(Change),
    /// Answered once all before it is written.
    Settle(Sender<()>),
}

/// The store, and the thread, which starts with the first change: who only reads needs none.
pub(super) struct Writer {
    store: Arc<Mutex<Store>>,
    tasks: OnceLock<Mutex<Sender<Task>>>,
}

impl Writer {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store: Arc::new(Mutex::new(store)),
            tasks: OnceLock::new(),
        }
    }

    pub(super) fn write(&self, change: Change) {
        let tasks = self.tasks.get_or_init(|| Mutex::new(start(self.store.clone())));
        // The thread ends only with the last sender.
        let _ = locked(tasks).send(Task::Write(change));
    }

    pub(super) fn forget(&self, host: Option<&str>) -> Result<(), HistoryError> {
        self.settle();
        locked(&self.store).forget(host)
    }

    pub(super) fn settle(&self) {
        let Some(tasks) = self.tasks.get() else {
            return;
        };
        let (done, settled) = channel();
        let sent = locked(tasks).send(Task::Settle(done));
        if sent.is_ok() {
            let _ = settled.recv_timeout(END_LIMIT);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.settle();
    }
}

fn start(store: Arc<Mutex<Store>>) -> Sender<Task> {
    let (sender, tasks) = channel();
    let started = std::thread::Builder::new()
        .name(String::from("history"))
        .spawn(move || work(&store, &tasks));
    if let Err(error) = started {
        tracing::warn!("what was learnt is not kept: {error}");
    }
    sender
}

fn work(store: &Mutex<Store>, tasks: &Receiver<Task>) {
    while let Ok(first) = tasks.recv() {
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for task in std::iter::once(first).chain(tasks.try_iter().take(AT_ONCE)) {
            match task {
                Task::Write(change) => changes.push(change),
                Task::Settle(done) => waiting.push(done),
            }
        }
        if let Err(error) = locked(store).write(&changes) {
            tracing::warn!("what was learnt is not kept: {error}");
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
