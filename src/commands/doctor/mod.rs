//! `claviger doctor`: finds what is wrong and says what to do; `--fix` does what is safe to do for the person.
//!
//! A check is a function of the [`Scene`] in the table below, and tells what it finds as [`Finding`]s. None of them asks the
//! person anything, opens a protected key or needs an agent; what cannot be found out is no finding. A new finding is a
//! line in `codes`, a section in docs/doctor.md, and a few lines in one of the checks.
mod auth_sock;
mod codes;
mod endpoint;
mod files;
mod finding;
mod key_file;
mod keys;
mod links;
mod login;
mod memory;
mod report;
mod scene;
mod sources;
mod ssh_config;

use super::context::Context;
use super::output::{self, Failure};
use crate::cli::DoctorArgs;
use finding::Finding;
use scene::Scene;
use std::process::ExitCode;

/// In the order in which findings of one severity are told.
const CHECKS: &[fn(&Scene) -> Vec<Finding>] = &[
    endpoint::check,
    auth_sock::check,
    files::check,
    links::check,
    keys::check,
    sources::check,
    ssh_config::check,
    login::check,
    memory::check,
];

/// Exit status 1 where errors or warnings remain.
pub(crate) fn run(args: &DoctorArgs, context: &Context) -> Result<ExitCode, Failure> {
    let scene = Scene::look(context)?;
    let mut findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(&scene)).collect();
    findings.sort_by_key(|finding| finding.code.severity());
    if args.fix {
        for finding in &mut findings {
            finding.fix();
        }
    }
    match args.json {
        true => output::json(&report::json(&findings))?,
        false => report::print(&findings)?,
    }
    Ok(match findings.iter().any(Finding::remains) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}
