//! What the login starts: claviger's own service, and other agents that want to be in SSH_AUTH_SOCK.

use super::auth_sock::Shell;
use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use crate::commands::service as verb;
use claviger_platform::service::{self, Plan, Setup, State, System};

const SUBJECT: &str = "service";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Some(system) = System::here() else {
        return Vec::new();
    };
    let Ok(setup) = verb::setup(system, None, scene.context) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Ok(plan) = service::plan(system, &setup) {
        found.extend(own(&plan));
    }
    found.extend(others(system, &setup, scene));
    found
}

fn own(plan: &Plan) -> Option<Finding> {
    let states: Vec<_> = plan
        .parts
        .iter()
        .filter_map(|part| Some((part, part.state().ok()?)))
        .collect();
    if !states.iter().any(|(_, state)| is_ours(*state)) {
        return Some(Finding::new(
            Code::ServiceMissing,
            SUBJECT,
            "claviger does not start with your login",
            "`claviger service install`, if you want that; `--dry-run` shows what it does",
        ));
    }
    let stale = states.iter().find(|(_, state)| *state != State::Installed);
    if let Some((part, state)) = stale {
        return Some(Finding::new(
            Code::ServiceOutdated,
            part.path.display().to_string(),
            format!("a part of the service is {}", state.name()),
            "`claviger service install` puts in place what is missing or outdated, with --force also what was changed",
        ));
    }
    let running = verb::running(plan).ok()?.ok()?;
    (!running).then(|| {
        let start: Vec<String> = plan.start.iter().map(ToString::to_string).collect();
        Finding::new(
            Code::ServiceInactive,
            SUBJECT,
            "installed, and not running",
            format!(
                "{}; what it said is in its log (journalctl --user -u claviger)",
                start.join("; ")
            ),
        )
    })
}

fn is_ours(state: State) -> bool {
    matches!(state, State::Installed | State::Outdated | State::Changed)
}

/// Other agents do harm where one of them has what claviger should have; else they are only there.
fn others(system: System, setup: &Setup, scene: &Scene) -> Vec<Finding> {
    let harm = matches!(scene.shell, Shell::Other(_));
    let conflicts = service::conflicts(system, setup).into_iter();
    let told = conflicts.map(|conflict| {
        let code = match conflict.takes && harm {
            true => Code::LoginAgentTakes,
            false => Code::LoginAgentBeside,
        };
        let remedy = match code {
            Code::LoginAgentBeside => format!(
                "nothing while claviger is in SSH_AUTH_SOCK; to turn it off: {}",
                conflict.remedy
            ),
            _ => conflict.remedy,
        };
        Finding::new(code, conflict.name, conflict.effect, remedy)
    });
    told.collect()
}
