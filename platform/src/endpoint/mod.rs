//! The agent's endpoint: a Unix socket or a Windows named pipe that only its owner can reach.
//!
//! The contract of an OS: [`Bound`] (own the name, alone), [`Listener`] (accept nobody but the owner and root),
//! [`connect`] and [`dial`] (reach nobody's agent but the owner's). Access is decided by the kernel's word about the other side;
//! the modes of socket and directory are a second wall, not the only one.

mod error;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as imp;
#[cfg(windows)]
use windows as imp;

pub use error::EndpointError;
pub use imp::{
    Bound, ClientStream, Listener, Stream, TooLong, connect, dial, is_handed_over, is_quiet, readable,
    remove_stale,
};
#[cfg(windows)]
pub(crate) use imp::{Holder, holder};

/// Who is at the other end, as the kernel says.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Process id, where the OS tells it.
    pub pid: Option<u32>,
    /// Effective user id.
    pub uid: Option<u32>,
}
