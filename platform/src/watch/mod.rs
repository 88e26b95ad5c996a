//! Notices changed files and directories: a flag that is set at once, and an event to wait for.
use std::path::PathBuf;
use std::sync::Arc;

/// Watches a set of paths.
pub struct Watcher {}

impl Watcher {
    /// Watches `paths` (directories: their entries, not deeper; files: the file, through its directory, so that a
    /// replaced file is seen; missing ones: through the nearest directory that exists).
    /// An error (no inotify watches left) leaves the caller to re-scan on a timer.
    pub fn new(paths: &[PathBuf]) -> Result<Arc<Self>, String> {
        let _ = paths;
        todo!()
    }
    /// True once after something changed since the last call. Cheap: no system call.
    pub fn take_changed(&self) -> bool {
        todo!()
    }
    /// Waits until something changed (does not clear the flag).
    pub async fn changed(&self) {
        todo!()
    }
}
