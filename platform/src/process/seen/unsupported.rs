//! Systems where it is not known here how to look at another process: every look says so.

use super::SeenError;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// Where a process is and what it runs.
pub(super) struct Place {
    pub(super) cwd: PathBuf,
    pub(super) exe: PathBuf,
    pub(super) same_files: bool,
}

/// When it was started.
pub(super) fn started(_pid: u32) -> Result<u64, SeenError> {
    Err(SeenError::Unsupported)
}

/// Whether it has ended or is about to.
pub(super) fn is_ending(_pid: u32) -> bool {
    false
}

/// Its arguments.
pub(super) fn arguments(_pid: u32) -> Result<Vec<OsString>, SeenError> {
    Err(SeenError::Unsupported)
}

/// Whether a variable's name is this one.
pub(super) fn is_called(name: &OsStr, known: &OsStr) -> bool {
    name == known
}

/// Those of its variables that `_wanted` gives a place.
pub(super) fn environment(
    _pid: u32,
    _wanted: impl Fn(&OsStr) -> Option<usize>,
) -> Result<Vec<(usize, OsString)>, SeenError> {
    Err(SeenError::Unsupported)
}

/// Where it is.
pub(super) fn place(_pid: u32) -> Result<Place, SeenError> {
    Err(SeenError::Unsupported)
}
