//! One file per verb. The only room that prints, or reads the environment.
//!
//! Each verb returns its exit status or a [`Failure`], which is printed here as `claviger: what failed: why; what to do`.

mod add;
mod agent;
mod client;
mod config;
mod context;
mod convert;
mod deploy;
mod doctor;
mod explain;
mod hosts;
mod import;
mod key_name;
mod keygen;
mod learn;
mod list;
mod lock;
mod names;
mod opening;
mod output;
mod progress;
mod pubkey;
mod relay;
mod remove;
mod rotate;
mod service;
mod ssh_agent;
mod ssh_config;
mod status;
mod table;
mod unlock;
mod vault;

use crate::cli::{Cli, HelperVerb, Verb};
use clap::Parser;
use claviger::token::pkcs11;
use claviger_platform::prompt::pinentry_helper;
use context::Context;
use output::Failure;
use std::path::Path;
use std::process::ExitCode;

/// Runs the verb. Exit status: 0 done, 1 failed (2, wrong usage, is clap's).
///
/// A program called `ssh-agent`, by a link or as a copy, is OpenSSH's agent.
pub(crate) fn run() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_default();
    if Path::new(&called)
        .file_name()
        .is_some_and(|name| name == "ssh-agent")
    {
        return ssh_agent::run(words);
    }
    dispatch(Cli::parse()).unwrap_or_else(|failure| {
        output::error(&failure);
        ExitCode::FAILURE
    })
}

fn dispatch(cli: Cli) -> Result<ExitCode, Failure> {
    // A helper has no business with homes and configurations, and works where there are none.
    if let Verb::Helper(args) = &cli.verb {
        return help(&args.verb);
    }
    let context = Context::from_environment(cli.config)?;
    match cli.verb {
        Verb::Agent(args) => agent::run(args, context),
        Verb::Add(args) => add::run(&args, &context),
        Verb::Import(args) => import::run(&args, &context),
        Verb::Convert(args) => convert::run(&args, &context),
        Verb::Pubkey(args) => pubkey::run(&args, &context),
        Verb::Keygen(args) => keygen::run(&args, &context),
        Verb::List(args) => list::run(&args, &context),
        Verb::Deploy(args) => deploy::deploy(&args, &context),
        Verb::Revoke(args) => deploy::revoke(&args, &context),
        Verb::Rotate(args) => rotate::run(&args, &context),
        Verb::Explain(args) => explain::run(&args, &context),
        Verb::Hosts(args) => hosts::run(&args, &context),
        Verb::Doctor(args) => doctor::run(&args, &context),
        Verb::Status(args) => status::run(&args, &context),
        Verb::Lock(args) => lock::run(&args, &context),
        Verb::Unlock(args) => unlock::run(&args, &context),
        Verb::Vault(args) => vault::run(&args, &context),
        Verb::Remove(args) => remove::run(&args, &context),
        Verb::Service(args) => service::run(&args, &context),
        Verb::Relay(args) => relay::run(&args, &context),
        Verb::Config(args) => config::run(&args.verb, &context),
        Verb::Helper(args) => help(&args.verb),
    }
}

fn help(verb: &HelperVerb) -> Result<ExitCode, Failure> {
    match verb {
        HelperVerb::Pinentry => Ok(u8::try_from(pinentry_helper()).map_or(ExitCode::FAILURE, ExitCode::from)),
        HelperVerb::Pkcs11 => {
            pkcs11::helper()?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
