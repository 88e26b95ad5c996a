//! `claviger service uninstall`: ends the service first, so that nothing is started from a file that is going.
use super::call::{Told, tell};
use super::{setup, system};
use crate::cli::UninstallArgs;
use crate::commands::context::Context;
use crate::commands::output::{self, Failure, visible};
use claviger_platform::service::{self, Part, Plan, State};
use std::process::ExitCode;

pub(super) fn run(args: &UninstallArgs, context: &Context) -> Result<ExitCode, Failure> {
    let system = system(None)?;
    let setup = setup(system, None, context)?;
    let plan = service::plan(system, &setup)?;
    let mut there = Vec::new();
    for part in plan.parts.iter().chain(&plan.elsewhere) {
        match part.state()? {
            State::Missing => {}
            State::Foreign => output::note(&format!(
                "{}: left alone, as it is not claviger's",
                visible(&part.path.to_string_lossy())
            )),
            _ => {
                part.check(args.force)?;
                there.push(part);
            }
        }
    }
    if there.is_empty() {
        output::line("nothing is installed")?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.dry_run {
        return show(&plan, &there);
    }
    for call in &plan.stop {
        match tell(call)? {
            Told::Yes => {}
            Told::No(why) => tracing::debug!("{why}"),
            Told::NoManager(why) => {
                output::note(&format!(
                    "not stopped: {}; what runs ends with your session",
                    visible(&why)
                ));
                break;
            }
        }
    }
    // The link before the unit, the file before its directory.
    for part in there.iter().rev() {
        if part.remove(args.force, &setup.home)? {
            output::line(format!("removed {}", visible(&part.path.to_string_lossy())))?;
        }
    }
    if system == service::System::Linux
        && let Some(reload) = &plan.reload
    {
        // Without a manager there is none that would have to know.
        tell(reload)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show(plan: &Plan, there: &[&Part]) -> Result<ExitCode, Failure> {
    for call in &plan.stop {
        output::line(format!("would call {call}"))?;
    }
    for part in there.iter().rev() {
        output::line(format!("would remove {}", visible(&part.path.to_string_lossy())))?;
    }
    Ok(ExitCode::SUCCESS)
}
