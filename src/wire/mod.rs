//! The agent protocol (RFC 9987, OpenSSH's extensions, claviger's own): bounded frames, requests, responses. Pure.
//!
//! Requests are parsed here rather than by `ssh-agent-lib`, whose types the commands and the tests use. On the
//! agent's side its codec sets no limit to a frame and reads past its end; its `Request` decodes key blobs, so that
//! a certificate without expiry or an unknown key type ends the connection where the protocol asks for a failure;
//! and it copies each field. Here blobs stay borrowed bytes: what they mean is for the one who holds the keys.

mod frame;
pub mod report;
mod request;
mod response;

pub use frame::{Frame, MAX_FRAME, frame};
pub use request::{Request, request};
pub use response::{
    EXTENSION_FAILURE, FAILURE, MAX_IDENTITIES, SUCCESS, extension_response, identities, signature, string,
};
