//! `claviger service status`: what is installed, whether the manager has it, and what stands in SSH_AUTH_SOCK.
use super::call::{Told, tell};
use super::{setup, system};
use crate::commands::context::Context;
use crate::commands::output::{self, Failure, visible};
use claviger_platform::service::{self, Conflict, Part, Plan, Setup, State};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

struct Report {
    system: &'static str,
    parts: Vec<(Part, State)>,
    /// Whether the manager has it, or why that is not known.
    running: Result<bool, String>,
    socket: String,
    auth_sock: Option<String>,
    ours: bool,
    conflicts: Vec<Conflict>,
}

pub(super) fn run(json: bool, context: &Context) -> Result<ExitCode, Failure> {
    let system = system(None)?;
    let setup = setup(system, None, context)?;
    let plan = service::plan(system, &setup)?;
    let report = Report {
        system: system.name(),
        parts: states(&plan)?,
        running: running(&plan)?,
        ours: context
            .ssh_auth_sock
            .as_deref()
            .is_some_and(|path| is_ours(path, &setup, context)),
        auth_sock: context
            .ssh_auth_sock
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned()),
        socket: plan.socket,
        conflicts: service::conflicts(system, &setup),
    };
    match json {
        true => output::json(&report.json())?,
        false => report.print()?,
    }
    Ok(match report.installed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Whether the manager has it, or why that is not known.
pub(in crate::commands) fn running(plan: &Plan) -> Result<Result<bool, String>, Failure> {
    Ok(match tell(&plan.probe)? {
        Told::Yes => Ok(true),
        Told::No(why) if why.contains("connect to bus") => Err(why),
        Told::No(_) => Ok(false),
        Told::NoManager(why) => Err(why),
    })
}

fn states(plan: &Plan) -> Result<Vec<(Part, State)>, Failure> {
    let mut states = Vec::new();
    for part in &plan.parts {
        states.push((part.clone(), part.state()?));
    }
    for part in &plan.elsewhere {
        let state = part.state()?;
        // A left-over of other circumstances is worth a line; that there is none is not.
        if !matches!(state, State::Missing | State::Foreign) {
            states.push((part.clone(), state));
        }
    }
    Ok(states)
}

/// On macOS the path is launchd's, known only by the variable's name.
fn is_ours(auth_sock: &Path, setup: &Setup, context: &Context) -> bool {
    let path = setup.socket.as_deref().unwrap_or(&context.places.socket);
    auth_sock == path || auth_sock.to_string_lossy().contains("/com.apple.launchd.")
}

impl Report {
    fn installed(&self) -> bool {
        self.parts.iter().all(|(_, state)| *state == State::Installed)
    }

    fn json(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|(part, state)| json!({"path": part.path.to_string_lossy(), "state": state.name()}))
            .collect();
        let conflicts: Vec<Value> = self
            .conflicts
            .iter()
            .map(|c| json!({"name": c.name, "effect": c.effect, "sets_ssh_auth_sock": c.takes, "remedy": c.remedy}))
            .collect();
        json!({
            "system": self.system,
            "installed": self.installed(),
            "running": self.running.as_ref().ok(),
            "manager_problem": self.running.as_ref().err(),
            "socket": self.socket,
            "ssh_auth_sock": self.auth_sock,
            "ssh_auth_sock_is_ours": self.ours,
            "parts": parts,
            "conflicts": conflicts,
        })
    }

    fn print(&self) -> Result<(), Failure> {
        let row = |name: &str, value: &str| output::line(format!("{name:<10}{}", visible(value)));
        for (part, state) in &self.parts {
            row(state.name(), &part.path.to_string_lossy())?;
        }
        row(
            "running",
            &match &self.running {
                Ok(true) => "yes".into(),
                Ok(false) => "no".into(),
                Err(why) => format!("not known: {why}"),
            },
        )?;
        row("socket", &self.socket)?;
        row(
            "shell",
            &match (&self.auth_sock, self.ours) {
                (_, true) => "SSH_AUTH_SOCK is claviger's".into(),
                (None, _) => "SSH_AUTH_SOCK is not set".into(),
                (Some(path), false) => format!("SSH_AUTH_SOCK is another agent's: {path}"),
            },
        )?;
        for conflict in &self.conflicts {
            let name = if conflict.takes { "conflict" } else { "beside" };
            row(
                name,
                &format!(
                    "{}: {}; to turn it off: {}",
                    conflict.name, conflict.effect, conflict.remedy
                ),
            )?;
        }
        if !self.installed() {
            output::note(
                &"`claviger service install` puts in place what is missing or outdated; `--dry-run` shows it",
            );
        }
        Ok(())
    }
}
