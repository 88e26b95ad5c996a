//! Saved sessions of PuTTY's on Unix, one for each login that was learnt: `plink -load HOST`.
//!
//! PuTTY takes a public key file as the name of the one key to ask its agent for. A session of ours has a line that PuTTY
//! passes over; it is gone as soon as a person saves the session in PuTTY, and then the session is theirs.
use super::plan::Login;
use crate::commands::import::SYNCED;
use crate::commands::output::Failure;
use claviger_platform::dirs;
use claviger_platform::files::{self, FileError};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Far above every session.
const LONGEST: u64 = 1 << 20;

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
    text: String,
}

/// Saves what was learnt and removes what no longer holds; changes nothing if `dry_run`.
pub(super) fn sync(
    logins: &[Login<'_>],
    stubs: &Path,
    home: &Path,
    dry_run: bool,
) -> Result<Vec<Session>, Failure> {
    let folder = folder(home);
    let wanted = wanted(logins, stubs);
    let mut done = Vec::new();
    for session in &wanted {
        let result = save(&folder.join(escaped(&session.name)), &session.text, dry_run)?;
        done.push(Session {
            session: session.name.clone(),
            result,
        });
    }
    for path in ours(&folder)? {
        let is_wanted = |one: &Wanted| path.file_name().is_some_and(|name| *name == *escaped(&one.name));
        if !wanted.iter().any(is_wanted) {
            if !dry_run {
                std::fs::remove_file(&path)
                    .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            }
            done.push(Session {
                session: crate::commands::import::session_name(path.file_name().unwrap_or_default()),
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
                text: text(login, &login.key.stub(stubs)),
                name,
            });
        }
    }
    sessions
}

fn text(login: &Login<'_>, stub: &Path) -> String {
    let (host, port, user) = (&login.name, login.port, &login.user);
    let key = stub.display();
    format!(
        "{SYNCED}\nPresent=1\nProtocol=ssh\nHostName={host}\nPortNumber={port}\nUserName={user}\nPublicKeyFile={key}\n"
    )
}

fn save(path: &Path, text: &str, dry_run: bool) -> Result<&'static str, Failure> {
    match files::read_public(path, LONGEST) {
        Ok(old) if old == text.as_bytes() => return Ok("present"),
        Ok(old) if !is_ours(&old) => return Ok("passed_over"),
        Ok(_) | Err(FileError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if dry_run {
        return Ok("would_save");
    }
    if let Some(folder) = path.parent() {
        files::private_dir(folder)?;
    }
    files::write_atomic(path, text.as_bytes())?;
    Ok("saved")
}

/// Where PuTTY looks: the first folder that is there, else the one that it always had.
fn folder(home: &Path) -> PathBuf {
    let folders = dirs::putty_sessions(home);
    let is_there = |folder: &&PathBuf| folder.parent().is_some_and(Path::exists);
    let usual = || home.join(".putty/sessions");
    folders.iter().find(is_there).cloned().unwrap_or_else(usual)
}

fn ours(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(format!("{}: {error}", folder.display()))),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_ours = |path: &PathBuf| files::read_public(path, LONGEST).is_ok_and(|file| is_ours(&file));
    let mut ours: Vec<PathBuf> = paths.filter(is_ours).collect();
    ours.sort();
    Ok(ours)
}

/// The stubs that sessions of ours name, whichever call saved them.
pub(super) fn named(home: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut stubs = Vec::new();
    for session in ours(&folder(home))? {
        let text = files::read_public(&session, LONGEST)?;
        let text = String::from_utf8_lossy(&text);
        let keys = text
            .lines()
            .filter_map(|line| line.strip_prefix("PublicKeyFile="));
        stubs.extend(keys.map(PathBuf::from));
    }
    Ok(stubs)
}

fn is_ours(file: &[u8]) -> bool {
    file.split(|byte| *byte == b'\n')
        .any(|line| line == SYNCED.as_bytes())
}

/// A session's name as PuTTY on Unix names its file (`make_session_filename`).
fn escaped(name: &str) -> String {
    let letter = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"+-.@_".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(letter).collect()
}
