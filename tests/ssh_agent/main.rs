//! The program under the name `ssh-agent`: output, exit statuses, signals, places and clean-up, beside OpenSSH's own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the tools of the tests are found in PATH"
)]

mod command;
mod drop_in;
mod output;
mod places;
#[path = "../support/ran.rs"]
mod ran;
mod signals;
