//! One file per verb. The only room that prints, or reads the environment.
//!
//! Each verb returns its exit status or a [`Failure`], which is printed here as `claviger: what failed: why; what to do`.

mod agent;
mod context;
mod output;

use crate::cli::{Cli, Verb};
use context::Context;
use output::Failure;
use std::process::ExitCode;

/// Runs the verb; `weaknesses` is what hardening could not do. 0 done, 1 failed (2, wrong usage, is clap's).
pub(crate) fn run(cli: Cli, weaknesses: Vec<String>) -> ExitCode {
    dispatch(cli, weaknesses).unwrap_or_else(|failure| {
        output::error(&failure);
        ExitCode::FAILURE
    })
}

fn dispatch(cli: Cli, weaknesses: Vec<String>) -> Result<ExitCode, Failure> {
    let context = Context::from_environment(cli.config, weaknesses)?;
    match cli.verb {
        Verb::Agent(args) => agent::run(args, context),
        _ => Err(Failure::new("this verb is not built yet")),
    }
}
