//! The task scheduler: a task at the user's logon, without a window and without a time limit; the pipe's name in
//! SSH_AUTH_SOCK and in ssh's configuration, for programs that do not read that variable.
//!
//! A service would run as another account, without the user's Credential Manager, and could ask nobody.

use super::quote::{self, fill};
use super::{Call, Part, Plan, ServiceError, Setup, What, mark};
use std::path::Path;

const TASK: &str = include_str!("../../units/task.xml");
const NAME: &str = "claviger";

pub(super) fn plan(setup: &Setup) -> Result<Plan, ServiceError> {
    let unfit = |what, path: &Path, why| ServiceError::Unfit {
        what,
        path: path.to_owned(),
        why,
    };
    let program = word(
        "program",
        &setup.program,
        "the task scheduler puts variables in where a path has % or $(; install claviger elsewhere",
    )?;
    let Some(socket) = &setup.socket else {
        return Err(unfit(
            "socket",
            Path::new(""),
            "no pipe's name is known here; set CLAVIGER_SOCKET",
        ));
    };
    let pipe = quote::text("socket", socket)?;
    // As ssh's configuration has it: a backslash would be an escape there.
    let forward = pipe.replace('\\', "/");
    if forward.contains(['"', '%', ' ', '#']) || forward.contains("${") {
        return Err(unfit(
            "socket",
            socket,
            "ssh's configuration cannot carry this pipe's name; choose another with CLAVIGER_SOCKET",
        ));
    }
    let text = fill(
        TASK,
        &[
            ("MARK", &mark::open()),
            ("USER", &quote::xml(&setup.account)),
            ("PROGRAM", &quote::xml(&program)),
            ("OPTIONS", &quote::xml(&options(setup, socket)?)),
        ],
    );
    let task = setup.state.join("claviger-task.xml");
    let parts = vec![
        Part {
            path: task.clone(),
            what: What::File {
                text: mark::sealed(&text),
                utf16: true,
            },
        },
        Part {
            path: setup.home.join(".ssh").join("claviger.config"),
            what: What::Block {
                text: format!("IdentityAgent {forward}\n"),
                // It holds for every host only in front of the first Host line.
                top: true,
            },
        },
    ];
    let schtasks = |args: &[&str]| Call::new("schtasks", args);
    let create = ["/Create", "/TN", NAME, "/F", "/XML"].map(Into::into);
    let end = schtasks(&["/End", "/TN", NAME]);
    Ok(Plan {
        parts,
        elsewhere: Vec::new(),
        reload: Some(Call::new(
            "schtasks",
            create.into_iter().chain([task.into_os_string()]),
        )),
        renew: vec![end.clone()],
        start: vec![
            schtasks(&["/Run", "/TN", NAME]),
            Call::new("setx", ["SSH_AUTH_SOCK", pipe]),
        ],
        stop: vec![
            end,
            schtasks(&["/Delete", "/TN", NAME, "/F"]),
            Call::new("reg", ["delete", "HKCU\\Environment", "/v", "SSH_AUTH_SOCK", "/f"]),
        ],
        probe: schtasks(&["/Query", "/TN", NAME]),
        socket: pipe.to_owned(),
        advice: vec![
            "programs that run already keep their environment: open a new terminal, or log in again".into(),
            "ssh reads the IdentityAgent line once ~/.ssh/config begins with the line: Include claviger.config".into(),
        ],
    })
}

/// A task has no environment of its own, and gets the one of the logon: what was chosen goes onto its command line.
fn options(setup: &Setup, socket: &Path) -> Result<String, ServiceError> {
    let mut options = String::new();
    let chosen = setup.environment.iter().map(|(name, path)| (*name, &**path));
    for (name, path) in chosen.chain([("CLAVIGER_SOCKET", socket)]) {
        let option = match name {
            "CLAVIGER_CONFIG" => "--config",
            "CLAVIGER_STATE_DIR" => "--state-dir",
            "CLAVIGER_DATA_DIR" => "--data-dir",
            "CLAVIGER_SOCKET" => "--socket",
            _ => continue,
        };
        let value = word(
            name,
            path,
            "the task scheduler puts variables in where a path has % or $(; choose another path",
        )?;
        options += &format!(" {option} {value}");
    }
    Ok(options)
}

/// A word of a command line that the task scheduler hands on.
fn word(what: &'static str, path: &Path, why: &'static str) -> Result<String, ServiceError> {
    let text = quote::text(what, path)?;
    if text.contains(['"', '%']) || text.contains("$(") {
        return Err(ServiceError::Unfit {
            what,
            path: path.to_owned(),
            why,
        });
    }
    // Backslashes in front of the closing quote would be taken for its escape.
    let trailing = text.len() - text.trim_end_matches('\\').len();
    Ok(format!("\"{text}{}\"", "\\".repeat(trailing)))
}
