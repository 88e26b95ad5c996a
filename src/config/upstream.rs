//! `[[upstream]]`: another agent whose keys stand behind this one's.

use super::read::{Fault, checked, expand, unplaced};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Another agent. It is nothing without its socket, so that has no default.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    socket: Spanned<String>,
}

impl From<&PathBuf> for Upstream {
    fn from(socket: &PathBuf) -> Self {
        Self {
            socket: unplaced(socket.to_string_lossy().into_owned()),
        }
    }
}

/// Where they listen, each named once.
pub(super) fn sockets(agents: &[Upstream], home: &Path) -> Result<Vec<PathBuf>, Fault> {
    const KEY: &str = "upstream.socket";
    let mut sockets = Vec::new();
    for agent in agents {
        let socket = checked(KEY, &agent.socket, |text| expand(text, home))?;
        if sockets.contains(&socket) {
            return Err(Fault {
                span: agent.socket.span(),
                reason: format!("{KEY}: this agent is named twice; leave one out"),
            });
        }
        sockets.push(socket);
    }
    Ok(sockets)
}
