//! The agent protocol (RFC 9987, OpenSSH's extensions, claviger's own): bounded frames, requests, responses. Pure.
//!
//! Requests are parsed here rather than by `ssh-agent-lib`, whose types the commands and the tests use. On the
//! agent's side its codec sets no limit to a frame and reads past its end; its `Request` decodes key blobs, so that
//! a certificate without expiry or an unknown key type ends the connection where the protocol asks for a failure;
//! and it copies each field. Here blobs stay borrowed bytes: what they mean is for the one who holds the keys.
//!
//! A request's inner parts are parsed when they are needed: [`comment_and_constraints`] behind an added key,
//! [`session_bind`] of that extension, [`signed`] of the data to be signed.

mod answer;
mod bind;
mod constraint;
mod frame;
mod read;
pub mod report;
mod request;
mod response;
mod signed;
#[cfg(test)]
mod tests;

pub use answer::{identities_answer, is_failure, is_signature};
pub use bind::{SessionBind, session_bind};
pub use constraint::{
    Certificates, Constraints, Destination, Hop, Subject, comment_and_constraints, constraints,
};
pub use frame::{Frame, MAX_FRAME, frame};
pub use request::{Request, request};
pub use response::{
    EXTENSION_FAILURE, FAILURE, MAX_IDENTITIES, SUCCESS, extension_response, identities, signature, string,
};
pub use signed::{Signed, signed};
