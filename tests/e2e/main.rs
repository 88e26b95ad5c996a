//! End to end: the real program, driven by the real ssh, sshd, ssh-add, ssh-keygen, git, gnome-keyring and KeePassXC.
//!
//! One test program for all subjects, so that it is linked once and every helper is used by someone.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what a failing test shows")]

#[path = "../support/mod.rs"]
mod support;

mod account;
#[cfg(target_os = "linux")]
mod activity;
mod added;
mod chain;
mod conversion;
mod crash;
mod databases;
mod deploy;
mod doctor;
mod foreign;
mod history;
mod hostile;
mod hosts;
mod importing;
mod keygen;
mod limits;
mod listing;
mod login;
mod memory;
mod offer;
mod process;
mod refusal;
mod remembered;
mod rotate;
mod security_key_files;
mod security_keys;
mod service;
mod sharing;
mod signing;
mod sync;
mod terms;
mod tokens;
mod upstream;
mod upstream_faults;
mod upstream_walls;
