//! What claviger needs of the operating system: one folder per capability, one file per OS inside it.
//!
//! This crate knows bytes, paths and processes; it knows nothing of SSH, keys or policy. It is the only
//! place with `unsafe`, with OS `cfg`, and with OS dependencies. Its API is internal to claviger. [`rsa`] is here
//! for its calls into C alone.

pub mod activity;
pub mod clipboard;
pub mod dirs;
pub mod endpoint;
pub mod files;
pub mod harden;
pub mod keyring;
pub mod pkcs11;
pub mod process;
pub mod prompt;
pub mod putty;
pub mod rsa;
pub mod service;
pub mod watch;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
#[cfg(test)]
mod testing;
