//! Saved sessions of PuTTY's, one for each login that was learnt: `plink -load HOST`.
//!
//! PuTTY takes a public key file as the name of the one key to ask its agent for. A session of ours has a setting that PuTTY
//! passes over, and none but those below. As soon as a person saves the session in PuTTY, all of PuTTY's settings stand in
//! it (and on Unix ours is gone), and then the session is theirs.
use super::plan::Login;
use crate::commands::output::Failure;
use claviger_platform::putty::{self, Entry, PuttyError, SYNCED, Settings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The settings of a session of ours, beside the mark.
const OURS: [&str; 6] = ["Present", "Protocol", "HostName", "PortNumber", "UserName", KEY];
const KEY: &str = "PublicKeyFile";

/// What became of one session.
#[derive(Serialize)]
pub(super) struct Session {
    pub(super) session: String,
    /// "saved", "would_save", "present", "passed_over" (a person's own), "removed", "would_remove".
    pub(super) result: &'static str,
}

/// A session to be there.
struct Wanted {
    name: String,
    settings: Settings,
}

/// Saves what was learnt and removes what no longer holds; changes nothing if `dry_run`.
pub(super) fn sync(
    logins: &[Login<'_>],
    stubs: &Path,
    home: &Path,
    dry_run: bool,
) -> Result<Vec<Session>, Failure> {
    let wanted = wanted(logins, stubs);
    let mut done = Vec::new();
    for session in &wanted {
        let result = match putty::entry(home, &session.name) {
            Ok(entry) => save(&entry, &session.settings, dry_run)?,
            // A user with letters that PuTTY's names cannot have.
            Err(PuttyError::Name { .. }) => "passed_over",
            Err(error) => return Err(error.into()),
        };
        done.push(Session {
            session: session.name.clone(),
            result,
        });
    }
    for (name, (entry, _)) in ours(home)? {
        if !wanted.iter().any(|session| session.name == name) {
            if !dry_run {
                entry.remove()?;
            }
            done.push(Session {
                session: name,
                result: if dry_run { "would_remove" } else { "removed" },
            });
        }
    }
    Ok(done)
}

/// The first user of a server has its name, all others theirs in front of it.
fn wanted(logins: &[Login<'_>], stubs: &Path) -> Vec<Wanted> {
    let mut sessions: Vec<Wanted> = Vec::new();
    for login in logins {
        let place = match login.port {
            22 => login.name.clone(),
            port => format!("{}:{port}", login.name),
        };
        let is_new = |name: &str| !sessions.iter().any(|session| session.name == name);
        let name = match is_new(&place) {
            true => place,
            false => format!("{}@{place}", login.user),
        };
        // A line's end in a user's name would begin a setting.
        if is_new(&name) && !login.user.chars().any(char::is_control) {
            sessions.push(Wanted {
                settings: settings(login, &login.key.stub(stubs)),
                name,
            });
        }
    }
    sessions
}

fn settings(login: &Login<'_>, stub: &Path) -> Settings {
    Settings::default()
        .with(SYNCED, "1")
        .with("Present", "1")
        .with("Protocol", "ssh")
        .with("HostName", &login.name)
        .with("PortNumber", &login.port.to_string())
        .with("UserName", &login.user)
        .with(KEY, &stub.to_string_lossy())
}

fn save(entry: &Entry, settings: &Settings, dry_run: bool) -> Result<&'static str, Failure> {
    match entry.read()? {
        Some(old) if old == *settings => return Ok("present"),
        Some(old) if !is_ours(&old) => return Ok("passed_over"),
        _ => {}
    }
    if dry_run {
        return Ok("would_save");
    }
    entry.write(settings)?;
    Ok("saved")
}

/// The sessions that are ours, whichever call saved them.
fn ours(home: &Path) -> Result<BTreeMap<String, (Entry, Settings)>, Failure> {
    let mut ours = BTreeMap::new();
    for (name, entry) in putty::saved(home)? {
        // One that cannot be read is none of ours.
        if let Ok(Some(settings)) = entry.read()
            && is_ours(&settings)
        {
            ours.insert(name, (entry, settings));
        }
    }
    Ok(ours)
}

/// The stubs that sessions of ours name.
pub(super) fn named(home: &Path) -> Result<Vec<PathBuf>, Failure> {
    let ours = ours(home)?;
    Ok(ours
        .values()
        .map(|(_, settings)| PathBuf::from(settings.get(KEY)))
        .collect())
}

fn is_ours(settings: &Settings) -> bool {
    settings.get(SYNCED) == "1"
        && settings
            .iter()
            .all(|(name, _)| name == SYNCED || OURS.contains(&name))
}
