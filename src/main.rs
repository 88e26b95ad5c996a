//! The `claviger` program: harden, dispatch, exit code.
#![forbid(unsafe_code)]

mod cli;
mod commands;

use claviger_platform::harden::{WipingAllocator, harden_process, wiping_allocator};
use std::process::ExitCode;

/// Wipes what libraries free: their buffers may have held a passphrase or a key.
#[global_allocator]
static ALLOCATOR: WipingAllocator = wiping_allocator();

fn main() -> ExitCode {
    // Before anything is read. What could not be done is told by the agent, which reports it in `claviger status`.
    let _ = harden_process();
    commands::run()
}
