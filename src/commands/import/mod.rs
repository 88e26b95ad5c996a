//! `claviger import`: takes over what a person has elsewhere. One file per source.
//!
//! Whatever is read stays as it is; whatever is made is made beside what is there and never in its place.
mod copy;
mod files;
mod keyring;
mod putty;
mod report;
mod session;

use super::context::Context;
use super::output::Failure;
use crate::cli::{ImportArgs, ImportSource};
use std::process::ExitCode;

pub(crate) fn run(args: &ImportArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.source {
        None => files::run(&args.files, context),
        Some(ImportSource::Keyring(args)) => keyring::run(args, context),
        Some(ImportSource::Putty(args)) => putty::run(args, context),
    }
}
