//! Unix: whether a directory from the environment may be used.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Whether a runtime directory exists and is this user's own: `su` leaves the variable of the user before, and
/// containers one that nobody made.
pub(super) fn usable(dir: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    dir.metadata()
        .is_ok_and(|state| state.is_dir() && state.uid() == own)
}
