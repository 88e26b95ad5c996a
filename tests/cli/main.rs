//! The real program in temporary homes: its verbs, without an agent (`config`, `add`) and with one (`verbs`).
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the tools of the tests are found in PATH"
)]

mod add;
mod config;
mod convert;
mod home;
mod hosts;
mod import;
mod import_keyring;
mod import_putty;
mod keygen;
mod pubkey;
#[path = "../support/ran.rs"]
mod ran;
mod relay;
#[path = "../support/secret_service.rs"]
#[expect(dead_code, reason = "the other tests use what these do not")]
mod secret_service;
mod service;
mod sync;
mod vault;
mod verbs;
