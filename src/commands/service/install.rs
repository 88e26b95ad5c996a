//! `claviger service install`: looks at everything before anything is written, so that a refusal leaves all as it was.
use super::call::{Told, tell};
use super::{setup, system};
use crate::cli::InstallArgs;
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::output::{self, Failure, visible};
use claviger_platform::service::{self, Call, Conflict, Plan, State};
use std::process::ExitCode;

pub(super) fn run(args: &InstallArgs, context: &Context) -> Result<ExitCode, Failure> {
    let system = system(args.system)?;
    let setup = setup(system, args.program.as_deref(), context)?;
    let plan = service::plan(system, &setup)?;
    let conflicts = service::conflicts(system, &setup);
    if args.dry_run {
        show(&plan)?;
        tell_conflicts(&conflicts);
        return Ok(ExitCode::SUCCESS);
    }
    if !setup.program.is_file() {
        let text = format!(
            "{}: no such program; name another with --program",
            setup.program.display()
        );
        return Err(Failure::new(text));
    }
    let mut states = Vec::new();
    for part in &plan.parts {
        states.push(part.check(args.force)?);
    }
    if states.iter().all(|state| *state == State::Missing) {
        refuse_second_agent(context)?;
    }
    let mut written = false;
    for part in &plan.parts {
        if part.install(args.force)? {
            written = true;
            output::line(format!("wrote {}", visible(&part.path.to_string_lossy())))?;
        }
    }
    if !written {
        output::line("everything is installed already")?;
    }
    let renew = written
        && states
            .iter()
            .any(|state| !matches!(state, State::Missing | State::Installed));
    if !start(&plan, renew)? {
        return Ok(ExitCode::FAILURE);
    }
    tell_conflicts(&conflicts);
    if written {
        for advice in &plan.advice {
            output::note(advice);
        }
        warn_of_build_directory(&setup.program);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(plan: &Plan) -> Result<(), Failure> {
    for part in &plan.parts {
        let state = match part.state() {
            Ok(state) => state.name().to_owned(),
            Err(error) => error.to_string(),
        };
        output::line(format!(
            "== {} (now: {state})",
            visible(&part.path.to_string_lossy())
        ))?;
        output::line(part.text())?;
    }
    output::line("== calls")?;
    for call in plan.reload.iter().chain(&plan.start) {
        output::line(call)?;
    }
    Ok(())
}

/// The manager would take the socket's name from it, and leave it running where nobody finds it.
fn refuse_second_agent(context: &Context) -> Result<(), Failure> {
    let status = Client::find(context, Some(&context.places.socket)).and_then(|client| client.status());
    match status {
        Ok(status) => Err(Failure::new(format!(
            "{}: an agent listens there already (pid {}); end it with `kill {}`, and try again",
            status.socket, status.pid, status.pid
        ))),
        Err(_) => Ok(()),
    }
}

/// Whether it runs, or will with the next login.
fn start(plan: &Plan, renew: bool) -> Result<bool, Failure> {
    if let Some(reload) = &plan.reload {
        match tell(reload)? {
            Told::Yes => {}
            Told::No(why) | Told::NoManager(why) => return Ok(later(plan, &why)),
        }
    }
    if renew {
        for call in &plan.renew {
            // What does not run cannot be stopped.
            tell(call)?;
        }
    }
    for call in &plan.start {
        match tell(call)? {
            Told::Yes => {}
            Told::NoManager(why) => return Ok(later(plan, &why)),
            // launchd says so of one that is loaded.
            Told::No(why) if renew || !matches!(tell(&plan.probe)?, Told::Yes) => {
                output::error(&format!("installed, but not started: {why}"));
                return Ok(false);
            }
            Told::No(_) => {}
        }
    }
    Ok(true)
}

/// No manager here, as in a container or under another account: what is written holds from the next login on.
fn later(plan: &Plan, why: &str) -> bool {
    let calls: Vec<String> = plan
        .reload
        .iter()
        .chain(&plan.start)
        .map(Call::to_string)
        .collect();
    output::note(&format!(
        "not started now: {}; it starts with your next login where there is such a manager, or by: {}",
        visible(why),
        calls.join("; ")
    ));
    true
}

pub(super) fn tell_conflicts(conflicts: &[Conflict]) {
    for conflict in conflicts {
        let word = if conflict.takes { "conflict" } else { "beside" };
        output::note(&format!(
            "{word}: {}: {}; to turn it off: {}",
            visible(&conflict.name),
            conflict.effect,
            visible(&conflict.remedy)
        ));
    }
}

fn warn_of_build_directory(program: &std::path::Path) {
    let mut names = program.iter().rev().skip(1).map(|name| name.to_string_lossy());
    if names.next().is_some_and(|dir| dir == "debug" || dir == "release")
        && names.next().is_some_and(|dir| dir == "target")
    {
        output::note(&format!(
            "{}: a build directory, which `cargo clean` empties; `cargo install --path .` and --program give the service a program that stays",
            program.display()
        ));
    }
}
