//! claviger: an SSH agent that opens passphrase-protected keys only when a login needs one.
#![forbid(unsafe_code)]

pub mod client;
pub mod config;
pub mod history;
pub mod idle;
pub mod key;
pub mod keyset;
pub mod known_hosts;
pub mod policy;
pub mod secret;
pub mod serve;
pub mod session;
pub mod token;
pub mod unlock;
pub mod upstream;
pub mod wire;
