//! Where the drop-in listens, in OpenSSH 10.6's places and with its words when that fails.

use super::Fatal;
use aws_lc_rs::digest::{SHA512, digest};
use claviger_platform::dirs;
use claviger_platform::endpoint::{self, Bound, TooLong};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `-A`'s default.
const USUAL: &str = "user:.ssh/agent";
/// `-T`'s letters for the host's hash and random parts.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// A socket may be without an agent for a moment while one starts.
const STALE: Duration = Duration::from_secs(3600);

/// Binds at `-a`'s path, which must not exist.
pub(super) fn at(path: &OsStr) -> Result<Bound, Fatal> {
    Bound::create(Path::new(path)).map_err(|error| {
        let path = Path::new(path).display();
        let too_long = error.get_ref().is_some_and(|inner| inner.is::<TooLong>());
        Fatal::logged(if too_long {
            format!("unix_listener: path \"{path}\" too long for Unix domain socket")
        } else {
            format!("unix_listener: cannot bind to path {path}: {}", reason(&error))
        })
    })
}

/// Binds in a new directory below $TMPDIR or /tmp.
pub(super) fn temporary(parent: Option<OsString>) -> Result<Bound, Fatal> {
    shared(&parent.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from))
}

/// Binds where `-A` says, or in the usual place.
pub(super) fn below(spec: Option<&OsStr>, home: &Path) -> Result<Bound, Fatal> {
    let spec = spec.map_or(USUAL.into(), OsStr::to_string_lossy);
    if let Some(path) = spec.strip_prefix("shared:") {
        if !path.starts_with('/') {
            return Err(unprepared(
                "agent_listener: shared agent socket paths must be absolute",
            ));
        }
        return shared(&expanded(path, home)?);
    }
    let Some(path) = spec.strip_prefix("user:") else {
        return Err(unprepared(&format!(
            "agent_listener: unsupported agent path specification {spec}"
        )));
    };
    let dir = expanded(path, home)?;
    let prefix = format!("{}local.{}.", host_prefix(), std::process::id());
    Bound::create_in(&dir, &prefix).map_err(|error| {
        let text = format!("agent_listener_user: {}: {}", dir.display(), reason(&error));
        unprepared(&text)
    })
}

fn shared(parent: &Path) -> Result<Bound, Fatal> {
    let name = format!("agent.local.{}", std::process::id());
    Bound::create_below(parent, &name).map_err(|error| {
        let parent = parent.display();
        unprepared(&format!(
            "agent_listener_shared: failed to create temporary directory in \"{parent}\": {}",
            reason(&error)
        ))
    })
}

/// Removes what agents of this host, or of `any`, left behind in the usual or the user's directory.
pub(super) fn clean_up(spec: Option<&OsStr>, home: &Path, any: bool) {
    let spec = spec.map_or(USUAL.into(), OsStr::to_string_lossy);
    let Some(Ok(dir)) = spec.strip_prefix("user:").map(|path| expanded(path, home)) else {
        return;
    };
    let prefix = if any { String::new() } else { host_prefix() };
    // As OpenSSH: a directory that cannot be read is no reason not to start.
    let _ = endpoint::remove_stale(&dir, &prefix, STALE);
}

/// `s.HASH.`: a home on a file server has sockets of other hosts, which look dead from here.
fn host_prefix() -> String {
    let name = dirs::host_name();
    let hash = digest(&SHA512, name.as_encoded_bytes());
    let letter = |&byte: &u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    let hash: String = hash.as_ref().iter().take(10).map(letter).collect();
    format!("s.{hash}.")
}

/// The tokens of sshd_config(5) that a path can have, `~`, and the home for what is relative.
fn expanded(path: &str, home: &Path) -> Result<PathBuf, Fatal> {
    let (uid, name) = dirs::user();
    let mut out = String::new();
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '%') {
            (letter, false) => out.push(letter),
            _ => match letters.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(&home.to_string_lossy()),
                Some('U') => out.push_str(&uid.to_string()),
                Some('u') => out.push_str(&name.clone().unwrap_or_default().to_string_lossy()),
                Some(key) => {
                    let text = format!("vdollar_percent_expand: unknown key %{key}\npercent_expand: failed");
                    return Err(Fatal::exiting_255(text));
                }
                None => {
                    let text = "vdollar_percent_expand: invalid format\npercent_expand: failed";
                    return Err(Fatal::exiting_255(text));
                }
            },
        }
    }
    let rest = match out.strip_prefix('~') {
        Some("") => "",
        Some(rest) if rest.starts_with('/') => rest.trim_start_matches('/'),
        // Another user's home is not looked up: sockets belong into one's own.
        Some(other) => {
            let text = format!(
                "agent_listener: no such user {}",
                other.split('/').next().unwrap_or_default()
            );
            return Err(unprepared(&text));
        }
        None => &out,
    };
    Ok(home.join(rest))
}

fn unprepared(text: &str) -> Fatal {
    Fatal::exiting_255(format!("{text}\nmain: Couldn't prepare agent socket"))
}

/// The OS's words without Rust's "(os error N)".
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_relative_paths_are_expanded() {
        let home = Path::new("/home/Zoë");
        let path = |text| expanded(text, home).ok();
        assert_eq!(path("a/b"), Some("/home/Zoë/a/b".into()));
        assert_eq!(path("~/x%%"), Some("/home/Zoë/x%".into()));
        assert_eq!(path("%h/x"), Some("/home/Zoë/x".into()));
        assert_eq!(path("/run/%U"), Some(format!("/run/{}", dirs::user().0).into()));
        assert_eq!(path("%i"), None);
        assert_eq!(path("%"), None);
        assert_eq!(path("~other/x"), None);
    }
}
