//! Systems where every file has a name from the start.

use std::fs::File;
use std::io;
use std::path::Path;

/// None to be had.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn unnamed(_dir: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Never called, as there is no file without a name.
pub(super) fn give_name(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
