//! `claviger agent`: runs the agent in the foreground, in the background, or around a command.
use super::context::Context;
use super::output::Failure;
use crate::cli::AgentArgs;
use std::process::ExitCode;

/// Runs the agent. No runtime exists yet, so the process may still fork.
pub(crate) fn run(args: AgentArgs, context: Context) -> Result<ExitCode, Failure> {
    let _ = (args, context);
    Err(Failure::new("the agent is not built yet"))
}
