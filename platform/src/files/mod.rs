//! Files that hold secrets: read only when they are private, written whole or not at all.
mod log;

pub use log::append_private;

use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a file was not read or written. Display: path, reason, remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Does not exist.
    #[error("{}: no such file", path.display())]
    Missing { path: PathBuf },
    /// A directory, FIFO, device or socket.
    #[error("{}: not a regular file but {what}", path.display())]
    NotRegular { path: PathBuf, what: &'static str },
    /// Others may read or write it.
    #[error("{}: permissions {mode:04o} are too open; others must not read a private key: chmod 600 {}", path.display(), path.display())]
    TooOpen { path: PathBuf, mode: u32 },
    /// Owned by another user.
    #[error("{}: belongs to another user", path.display())]
    Stranger { path: PathBuf },
    /// Larger than the limit.
    #[error("{}: {size} bytes, more than the limit of {limit}", path.display())]
    TooLarge { path: PathBuf, size: u64, limit: u64 },
    /// Another process holds the lock.
    #[error("{}: in use by another process", path.display())]
    Locked { path: PathBuf },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

/// Reads a private file as ssh would: regular (opened without blocking on a FIFO), own (or root's), not group or
/// world accessible, at most `limit` bytes.
pub fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let _ = (path, limit);
    todo!()
}

/// Reads a file that is no secret (`.pub`, configuration): regular, at most `limit` bytes; the mode does not matter.
pub fn read_public(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let _ = (path, limit);
    todo!()
}

/// The first `length` bytes of a regular file, whatever its mode; never blocks on a FIFO.
pub fn read_head(path: &Path, length: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let _ = (path, length);
    todo!()
}

/// Replaces `path` by `bytes`, mode 0600, so that a crash leaves the old file or the new one: temporary file beside
/// it, fsync, rename, fsync of the directory. Stale temporaries of crashed writers are removed first.
/// Directories are made 0700. A link is followed, so that the file it names is replaced, not the link.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let _ = (path, bytes);
    todo!()
}

/// Makes a directory (and its parents) with mode 0700, whatever the umask.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    let _ = path;
    todo!()
}

/// An exclusive lock between processes, held until dropped: `<path>.lock`.
pub struct FileLock {}

/// Takes the lock beside `path`, waiting at most `limit`.
pub fn lock(path: &Path, limit: std::time::Duration) -> Result<FileLock, FileError> {
    let _ = (path, limit);
    todo!()
}
