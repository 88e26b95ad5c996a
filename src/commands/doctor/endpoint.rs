//! Whether an agent is where claviger's programs look for it, and whether it is the same version.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use crate::commands::client::Client;
use claviger_platform::endpoint;
use claviger_platform::process::describe;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A living process takes a connection at once.
const CONNECT: Duration = Duration::from_secs(3);

/// Who listens at a place.
pub(super) enum There {
    /// Nobody: there is no such socket, or a dead one.
    Nobody(io::Error),
    /// Somebody, and as which program.
    Somebody(String),
    /// Somebody who takes no connection.
    Stuck,
    /// Another user's agent.
    Stranger,
}

/// Looks who listens there. Bounded.
pub(super) fn look(runtime: &Runtime, path: &Path) -> There {
    let dialled = runtime.block_on(async { timeout(CONNECT, endpoint::dial(path)).await });
    match dialled {
        Ok(Ok((_, peer))) => There::Somebody(peer.pid.map_or_else(|| "a process".into(), describe)),
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => There::Stranger,
        Ok(Err(error)) => There::Nobody(error),
        Err(_) => There::Stuck,
    }
}

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let path = &scene.context.places.socket;
    let subject = path.display().to_string();
    if let Ok(status) = &scene.agent {
        return other_version(&status.version, status.pid, &subject)
            .into_iter()
            .collect();
    }
    vec![match look(&scene.runtime, path) {
        There::Nobody(error) => {
            let why = match path.exists() {
                true => format!("a dead socket, left by an agent that was killed ({error})"),
                false => "no agent listens there".into(),
            };
            let remedy = "`claviger agent` starts one (a dead socket is replaced); `claviger service install` has one at each login";
            Finding::new(Code::AgentUnreachable, subject, why, remedy)
        }
        There::Stuck => silent(subject, "a process that takes no connections"),
        There::Somebody(who) if Client::at(path).lists(CONNECT) => Finding::new(
            Code::AgentOther,
            subject,
            format!(
                "{who} listens at claviger's place and is not claviger, or of a version that this one does not know"
            ),
            "end it, or give claviger another place: CLAVIGER_SOCKET, `claviger agent -a`",
        ),
        There::Somebody(who) => silent(subject, &who),
        There::Stranger => Finding::new(
            Code::AgentOther,
            subject,
            "the process that listens there belongs to another user, and is told nothing",
            "choose a place that only you may use: CLAVIGER_SOCKET, `claviger agent -a`",
        ),
    }]
}

fn silent(subject: String, who: &str) -> Finding {
    Finding::new(
        Code::AgentSilent,
        subject,
        format!("{who} listens there and does not answer"),
        "end that process and start the agent anew; its log says more with `claviger agent -d`",
    )
}

fn other_version(version: &str, pid: u32, subject: &str) -> Option<Finding> {
    let own = env!("CARGO_PKG_VERSION");
    (version != own).then(|| {
        Finding::new(
            Code::AgentVersion,
            subject,
            format!("the agent (pid {pid}) is claviger {version}, this program {own}; it was not started anew after an upgrade"),
            "`systemctl --user restart claviger.service` where it is a service; else end it and start it again",
        )
    })
}
