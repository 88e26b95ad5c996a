//! Notices changed files and directories: a flag that is set at once, and an event to wait for.
//!
//! The contract of an OS is `notify`'s: events for the entries of a directory. What must be watched so that nothing
//! is missed (a link that is turned elsewhere, a directory that is deleted and made anew) is worked out in `plan`
//! and kept up to date by a thread of its own, so that neither the events nor the callers ever wait for it.

mod keeper;
mod plan;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use tokio::sync::Notify;

/// Watches a set of paths. Dropping it ends its threads.
pub struct Watcher {
    state: Arc<State>,
    /// Wakes the keeper, to see that it should end.
    keeper: SyncSender<()>,
}

/// What the event thread tells the callers.
#[derive(Default)]
struct State {
    changed: AtomicBool,
    waiting: Notify,
    closing: AtomicBool,
}

impl State {
    fn set_changed(&self) {
        self.changed.store(true, Ordering::Release);
        self.waiting.notify_waiters();
    }
}

impl Watcher {
    /// Watches `paths` (directories: their entries, not deeper; files: the file, through its directory, so that a
    /// replaced file is seen; missing ones: through the nearest directory that exists). Links are followed.
    /// An error (no inotify watches left) leaves the caller to re-scan on a timer.
    ///
    /// Paths must be absolute. The flag is not set at the start: look at the files after this call, not before.
    pub fn new(paths: &[PathBuf]) -> Result<Arc<Self>, String> {
        let state = Arc::new(State::default());
        let keeper = keeper::start(paths.to_vec(), Arc::clone(&state))?;
        Ok(Arc::new(Self { state, keeper }))
    }

    /// True once after something changed since the last call. Cheap: no system call.
    pub fn take_changed(&self) -> bool {
        self.state.changed.swap(false, Ordering::AcqRel)
    }

    /// Waits until something changed (does not clear the flag).
    pub async fn changed(&self) {
        loop {
            // Made before the flag is looked at, so that a change in between wakes it.
            let change = self.state.waiting.notified();
            if self.state.changed.load(Ordering::Acquire) {
                return;
            }
            change.await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.state.closing.store(true, Ordering::Release);
        // Full means that it is about to wake anyway.
        let _ = self.keeper.try_send(());
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::Duration;

    /// Waits for a change and clears it.
    async fn noticed(watcher: &Watcher, what: &str) {
        let change = tokio::time::timeout(Duration::from_secs(20), watcher.changed()).await;
        assert!(change.is_ok(), "not noticed: {what}");
        assert!(watcher.take_changed());
    }

    /// Waits until a new file in `dir` is noticed. Its predecessors may still be on their way, so each try makes one.
    async fn notices_new_files_in(watcher: &Watcher, dir: &Path) {
        for number in 0..100 {
            watcher.take_changed();
            fs::write(dir.join(format!("new {number}")), "").unwrap();
            noticed(watcher, "a new file").await;
        }
    }

    fn watch(path: &Path) -> Arc<Watcher> {
        Watcher::new(&[path.to_owned()]).unwrap()
    }

    #[tokio::test]
    async fn whatever_happens_to_an_entry_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let ssh = dir.path().join(".ssh");
        fs::create_dir(&ssh).unwrap();
        let (key, moved) = (ssh.join("id"), ssh.join("moved"));
        type Act<'a> = (&'a str, &'a dyn Fn());
        let acts: [Act<'_>; 5] = [
            ("made", &|| fs::write(&key, "1").unwrap()),
            ("written", &|| fs::write(&key, "2").unwrap()),
            ("closed to others", &|| {
                fs::set_permissions(&key, Permissions::from_mode(0o400)).unwrap()
            }),
            ("renamed", &|| fs::rename(&key, &moved).unwrap()),
            ("removed", &|| fs::remove_file(&moved).unwrap()),
        ];
        for (number, (what, act)) in acts.iter().enumerate() {
            // Each with a watcher of its own, which cannot take a late event of the act before for this one's.
            let watcher = watch(&ssh);
            assert!(!watcher.take_changed(), "{number}: nothing happened yet");
            act();
            noticed(&watcher, what).await;
        }
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("id");
        crate::files::write_atomic(&key, b"old").unwrap();
        for _ in 0..3 {
            let watcher = watch(&key);
            crate::files::write_atomic(&key, b"new").unwrap();
            noticed(&watcher, "a replaced file").await;
        }
    }

    #[tokio::test]
    async fn a_directory_that_is_made_later_is_watched_from_then_on() {
        let dir = tempfile::tempdir().unwrap();
        let ssh = dir.path().join("home/me/.ssh");
        let watcher = watch(&ssh);
        fs::create_dir(dir.path().join("home")).unwrap();
        noticed(&watcher, "a directory on the way").await;
        fs::create_dir_all(&ssh).unwrap();
        notices_new_files_in(&watcher, &ssh).await;
    }

    #[tokio::test]
    async fn a_directory_that_is_deleted_and_made_anew_is_watched_again() {
        let dir = tempfile::tempdir().unwrap();
        let ssh = dir.path().join(".ssh");
        fs::create_dir(&ssh).unwrap();
        let watcher = watch(&ssh);
        for _ in 0..3 {
            fs::remove_dir_all(&ssh).unwrap();
            noticed(&watcher, "its removal").await;
            fs::create_dir(&ssh).unwrap();
            notices_new_files_in(&watcher, &ssh).await;
        }
        fs::rename(&ssh, dir.path().join("old")).unwrap();
        fs::create_dir(&ssh).unwrap();
        notices_new_files_in(&watcher, &ssh).await;
    }

    #[tokio::test]
    async fn links_are_watched_at_both_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("a/first"), dir.path().join("b/second"));
        fs::create_dir_all(&first).unwrap();
        fs::create_dir_all(&second).unwrap();
        let ssh = dir.path().join(".ssh");
        symlink("a/first", &ssh).unwrap();
        let watcher = watch(&ssh);
        notices_new_files_in(&watcher, &first).await;
        fs::remove_file(&ssh).unwrap();
        symlink(&second, &ssh).unwrap();
        noticed(&watcher, "the turned link").await;
        notices_new_files_in(&watcher, &second).await;
    }

    #[tokio::test]
    async fn several_waiters_wake_and_the_flag_is_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let watcher = watch(dir.path());
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                let watcher = Arc::clone(&watcher);
                tokio::spawn(async move { watcher.changed().await })
            })
            .collect();
        File::create(dir.path().join("id")).unwrap();
        for waiter in waiters {
            tokio::time::timeout(Duration::from_secs(20), waiter)
                .await
                .unwrap()
                .unwrap();
        }
        assert!(watcher.take_changed());
    }

    #[tokio::test]
    async fn its_threads_end_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let watcher = watch(dir.path());
        let state = Arc::downgrade(&watcher.state);
        drop(watcher);
        let ended = async {
            while state.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended)
            .await
            .unwrap();
    }
}
