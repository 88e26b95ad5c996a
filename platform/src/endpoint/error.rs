//! Why an endpoint could not be opened, with the remedy.

use std::io;
use std::path::PathBuf;

/// Why an endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Another live process answers there.
    #[error("{} is already served by {holder}; end that one first, or choose another path", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
        /// Name and pid of the process that listens there.
        holder: String,
    },
    /// Something that is not a socket is in the way; it is left alone.
    #[error("{} exists and is not a socket; move it away, or choose another path", path.display())]
    NotASocket {
        /// What is in the way.
        path: PathBuf,
    },
    /// The directory is missing, or others could write there.
    #[error("{}: {reason}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong, with the remedy.
        reason: String,
    },
    /// Only another OS has what is asked for.
    #[error("{}: {what}", path.display())]
    Unsupported {
        /// The endpoint.
        path: PathBuf,
        /// What is not there, with the remedy.
        what: &'static str,
    },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the OS said.
        source: io::Error,
    },
}
