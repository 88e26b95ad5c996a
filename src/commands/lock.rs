//! `claviger lock`: seals every open key and closes the vault.
use super::client::Client;
use super::context::Context;
use super::output::{self, Failure};
use crate::cli::ClientArgs;
use std::process::ExitCode;

pub(crate) fn run(args: &ClientArgs, context: &Context) -> Result<ExitCode, Failure> {
    output::line(Client::find(context, args.socket.as_deref())?.seal()?)?;
    Ok(ExitCode::SUCCESS)
}
