//! Other agents behind this one: their keys are listed after ours, and they sign with them.
//!
//! [`Registry`] has what all clients share: which agents there are, and which of them is not worth waiting for.
//! [`Upstreams`] is one client's: to each agent a connection of its own, made when it is first needed, on which the
//! client's session binds go before everything else. So another agent knows of a connection what this one knows, and
//! what it restricted stays restricted.
//!
//! Frames are passed on as bytes. Nothing here decodes a key: a type that this program has never heard of works.
//! An agent that fails costs its own keys and nothing else: one that is not there is known at once, one that is silent
//! is waited for [`LIST_LIMIT`] by one list and then by none, until it has answered in the background.

mod binds;
mod health;
mod link;
mod registry;
mod target;
#[cfg(test)]
mod tests;
mod upstreams;

pub use registry::{ReadSockets, Registry};
pub use upstreams::{Elsewhere, Upstreams};

use std::io;
use std::time::Duration;

/// How long a list waits for another agent.
pub const LIST_LIMIT: Duration = Duration::from_millis(300);
/// How long a signature may take: a person may have to touch a token or to answer a question.
pub const SIGN_LIMIT: Duration = Duration::from_secs(120);

/// Why another agent is of no use now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// No connection.
    #[error("not reachable: {0}")]
    Unreachable(#[source] io::Error),
    /// The socket leads back here.
    #[error("this is the agent itself; take it out of the configuration")]
    Itself,
    /// It went away in the middle.
    #[error("the connection broke: {0}")]
    Broken(#[source] io::Error),
    /// What it sent is no answer to what it was asked.
    #[error("not understood: {0}")]
    Garbled(&'static str),
    /// It listens and says nothing.
    #[error("does not answer")]
    Silent,
}
