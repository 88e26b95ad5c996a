//! Why a file was not read or written, with the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file was not read or written. Display: path, reason, remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// Does not exist, or is a link to nothing.
    #[error("{}: no such file", path.display())]
    Missing {
        /// As the caller named it.
        path: PathBuf,
    },
    /// A directory, FIFO, device or socket.
    #[error("{}: not a regular file but {what}", path.display())]
    NotRegular {
        /// As the caller named it.
        path: PathBuf,
        /// With its article: "a directory".
        what: &'static str,
    },
    /// Others may read or write it.
    #[error("{}: permissions {mode:04o} are too open; others must not read a private key: chmod 600 {}", path.display(), path.display())]
    TooOpen {
        /// As the caller named it.
        path: PathBuf,
        /// Permission bits.
        mode: u32,
    },
    /// Its access list lets others in (systems without permission bits).
    #[error("{}: {who} may open it too; others must not read a private key: {remedy}", path.display())]
    Shared {
        /// As the caller named it.
        path: PathBuf,
        /// Names or identifiers, as the access list has them.
        who: String,
        /// A command.
        remedy: String,
    },
    /// Owned by another user.
    #[error("{}: belongs to another user; a private key must be your own: chown it, or use a copy", path.display())]
    Stranger {
        /// As the caller named it.
        path: PathBuf,
    },
    /// Larger than the limit.
    #[error("{}: {size} bytes, more than the limit of {limit}", path.display())]
    TooLarge {
        /// As the caller named it.
        path: PathBuf,
        /// Found, in bytes.
        size: u64,
        /// Allowed, in bytes.
        limit: u64,
    },
    /// A file that was to be made has a name that is taken.
    #[error("{}: exists already, and nothing is overwritten; choose another name, or move it away", path.display())]
    Exists {
        /// As the caller named it.
        path: PathBuf,
    },
    /// A file that was to be changed is not for that.
    #[error("{}: read-only ({source}); make it writable, or change a copy", path.display())]
    ReadOnly {
        /// As the caller named it.
        path: PathBuf,
        /// What the OS said, or would say to others than root.
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("{}: in use by another process; try again when it has ended", path.display())]
    Locked {
        /// The file that the lock protects.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io {
        /// As the caller named it.
        path: PathBuf,
        /// What the OS said.
        source: io::Error,
    },
}

/// Turns an I/O error into one that names `path`; "not found" becomes [`FileError::Missing`].
pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |source| match source.kind() {
        io::ErrorKind::NotFound => FileError::Missing {
            path: path.to_owned(),
        },
        _ => FileError::Io {
            path: path.to_owned(),
            source,
        },
    }
}
