//! The configuration, and the places that it names: the vault, databases, the keyring, other agents, the means to ask.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use crate::commands::client::Client;
use crate::commands::config;
use claviger::config::Source;
use claviger::wire::report::{SourceReport, StatusReport, Watched};
use claviger_platform::files::{self, FileError};
use claviger_platform::keyring::KeyringError;
use std::path::Path;

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut found = configuration(scene);
    found.extend(vault(scene));
    found.extend(databases(scene));
    found.extend(keyring(scene));
    found.extend(of_agent(scene));
    found
}

fn configuration(scene: &Scene) -> Vec<Finding> {
    let subject = scene.context.places.config.display().to_string();
    if let Some(error) = &scene.config_error {
        return vec![Finding::new(
            Code::ConfigInvalid,
            subject,
            format!("{error}; a running agent keeps what it read before, a new one does not start"),
            "correct it there; `claviger config check` says when it is right",
        )];
    }
    // One that does not answer was told of, and is not waited for again.
    let client = scene.agent.as_ref().ok();
    let client = client.map(|_| Client::at(&scene.context.places.socket));
    let idle = config::idle(&scene.config, scene.context, client.as_ref()).unwrap_or_default();
    let rule = |text: String| {
        let remedy = "correct the name in the rule, or take it out";
        Finding::new(Code::RuleIdle, &subject, text, remedy)
    };
    idle.into_iter().map(rule).collect()
}

fn vault(scene: &Scene) -> Option<Finding> {
    let path = scene.context.vault();
    let error = unreadable(&path).filter(|error| !matches!(error, FileError::Missing { .. }))?;
    Some(Finding::new(
        Code::VaultUnreadable,
        path.display().to_string(),
        format!("{error}; the passphrases in it cannot be had"),
        "restore it from a backup, or give yourself access to it",
    ))
}

fn databases(scene: &Scene) -> Vec<Finding> {
    let of = |path: &Path, what: &str| {
        let error = unreadable(path)?;
        let code = match error {
            FileError::Missing { .. } => Code::DatabaseMissing,
            _ => Code::DatabaseUnreadable,
        };
        let message = format!("{what}: {error}");
        let remedy =
            "correct [[kdbx]] in the configuration, or bring the file back (a drive that is not there now?)";
        Some(Finding::new(code, path.display().to_string(), message, remedy))
    };
    let databases = scene.config.databases.iter();
    let each = databases.flat_map(|one| {
        let key_file = one.key_file.as_deref();
        [
            of(&one.path, "a database of the configuration"),
            key_file.and_then(|path| of(path, "a database's key file")),
        ]
    });
    each.flatten().collect()
}

/// Why not a byte of it can be read.
fn unreadable(path: &Path) -> Option<FileError> {
    files::read_head(path, 1).err()
}

fn keyring(scene: &Scene) -> Option<Finding> {
    if !scene.config.order.contains(&Source::Os) {
        return None;
    }
    let error = scene.runtime.block_on(scene.context.keyring().probe()).err()?;
    let message = error.to_string();
    Some(match error {
        KeyringError::Absent(_) => Finding::new(
            Code::KeyringAbsent,
            "OS keyring",
            format!("{message}; passphrases are kept in the embedded vault instead"),
            "nothing on a server; on a desktop, log in graphically or start gnome-keyring, KWallet or KeePassXC's Secret Service",
        ),
        KeyringError::Locked => Finding::new(
            Code::KeyringUnreachable,
            "OS keyring",
            message,
            "unlock it with the program that manages it (Seahorse, KWallet, KeePassXC), or let it be unlocked by the login",
        ),
        _ => Finding::new(
            Code::KeyringUnreachable,
            "OS keyring",
            message,
            "start its service anew, or take \"os\" out of vault.order",
        ),
    })
}

/// What the agent says of its own means.
fn of_agent(scene: &Scene) -> Vec<Finding> {
    let Ok(status) = &scene.agent else {
        return Vec::new();
    };
    let upstreams = status.upstreams.iter().filter(|one| !one.reachable);
    let upstream = upstreams.map(|one| {
        Finding::new(
            Code::UpstreamUnreachable,
            &one.socket,
            format!(
                "an agent behind claviger does not answer, so its keys are not listed: {}",
                one.detail
            ),
            "start that agent, or take its [[upstream]] out of the configuration",
        )
    });
    let asks = |one: &&SourceReport| one.source == "prompt" && one.state == "skipped";
    let prompt = status.sources.iter().find(asks).map(|one| {
        Finding::new(
            Code::PromptUnavailable,
            "prompt",
            format!("the agent cannot ask anybody for a passphrase: {}", one.detail),
            "start it within the session, or set SSH_ASKPASS; `claviger unlock` asks on your terminal in any case",
        )
    });
    upstream.chain(prompt).chain(absence(status)).collect()
}

/// What the configuration wants to seal keys at, and the system does not tell.
fn absence(status: &StatusReport) -> Vec<Finding> {
    let activity = &status.activity;
    let watched = [
        ("lock.on_screen_lock", &activity.screen_lock),
        ("lock.on_sleep", &activity.sleep),
    ];
    let unknown = watched.iter().filter(|(_, watched)| watched.state == "unknown");
    let finding = |(setting, watched): &(&str, &Watched)| {
        Finding::new(
            Code::AbsenceUnknown,
            *setting,
            format!(
                "keys are not sealed at it, as nobody tells of it: {}",
                watched.detail
            ),
            "nothing on a server; lock.idle seals keys in any case, and `claviger lock` at once",
        )
    };
    unknown.map(finding).collect()
}
