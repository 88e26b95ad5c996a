//! Where the drop-in listens, in OpenSSH 10.6's places and with its words when that fails.

use super::Fatal;
use aws_lc_rs::digest::{SHA512, digest};
use claviger_platform::dirs;
use claviger_platform::endpoint::{self, Bound, TooLong};
use claviger_platform::files::{self, FileError};
use std::ffi::OsStr;
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
    if path.is_empty() {
        // Linux would make up an abstract name, which is told to nobody.
        return Err(Fatal::logged("unix_listener: cannot bind to path : it is empty"));
    }
    Bound::create(Path::new(path)).map_err(|error| {
        let path = Path::new(path).display();
        Fatal::logged(if is_too_long(&error) {
            format!("unix_listener: path \"{path}\" too long for Unix domain socket")
        } else {
            format!("unix_listener: cannot bind to path {path}: {}", reason(&error))
        })
    })
}

/// `-T`: binds in a new directory below /tmp, whatever TMPDIR says.
pub(super) fn temporary() -> Result<Bound, Fatal> {
    shared(Path::new("/tmp"))
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
    match spec.strip_prefix("user:") {
        Some(path) => private(&expanded(path, home)?),
        None if spec.is_empty() => Err(unprepared("agent_listener: no agent path specified")),
        None => Err(unprepared(&format!(
            "agent_listener: unsupported agent path specification {spec}"
        ))),
    }
}

fn private(dir: &Path) -> Result<Bound, Fatal> {
    if let Err(error) = files::private_dir(dir) {
        let made = match error {
            FileError::Io { source, .. } => reason(&source),
            _ => String::from("No such file or directory"),
        };
        let step = failed_step(dir, &made);
        return Err(unprepared(&format!(
            "mkdir_path: {step}\nagent_listener_user: failed to create agent socket parent directory"
        )));
    }
    let prefix = format!("{}local.{}.", host_prefix(), std::process::id());
    Bound::create_in(dir, &prefix).map_err(|error| {
        let path = dir.join(format!("{prefix}XXXXXXXXXX"));
        let path = path.display();
        unprepared(&match is_too_long(&error) {
            true => format!("unix_listener_tmp: path \"{path}\" too long for Unix domain socket"),
            false => format!("unix_listener_tmp: bind \"{path}\": {}", reason(&error)),
        })
    })
}

/// Which directory of the way could not be entered, or `made`, in the words of OpenSSH, which walks down from the root.
fn failed_step(dir: &Path, made: &str) -> String {
    let mut way: Vec<&Path> = dir.ancestors().collect();
    way.reverse();
    for part in way {
        let shown = part.display();
        match std::fs::read_dir(part) {
            Ok(_) => (),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return format!("mkdir(\"{shown}\"): {made}");
            }
            Err(error) => return format!("open(\"{shown}\"): {}", reason(&error)),
        }
    }
    format!("mkdir(\"{}\"): {made}", dir.display())
}

fn shared(parent: &Path) -> Result<Bound, Fatal> {
    let name = format!("agent.local.{}", std::process::id());
    Bound::create_below(parent, &name).map_err(|error| {
        let template = parent.join("ssh-XXXXXXXXXXXX");
        unprepared(&format!(
            "agent_listener_shared: failed to create temporary directory in \"{}\": {}",
            template.display(),
            reason(&error)
        ))
    })
}

/// Removes what agents of this host, or of `any`, left behind in the usual or the user's directory. As OpenSSH: a
/// directory that cannot be read is told, and no reason not to start.
pub(super) fn clean_up(spec: Option<&OsStr>, home: &Path, any: bool) -> Result<(), Fatal> {
    let spec = spec.map_or(USUAL.into(), OsStr::to_string_lossy);
    let Some(path) = spec.strip_prefix("user:") else {
        return Ok(());
    };
    let dir = match expanded(path, home) {
        Err(Unexpanded::User(name)) => {
            super::complain(&super::logged(&no_such_user(&name)));
            return Ok(());
        }
        expanded => expanded?,
    };
    let prefix = if any { String::new() } else { host_prefix() };
    if let Err(error) = endpoint::remove_stale(&dir, &prefix, STALE) {
        let text = format!(
            "agent_cleanup_stale: opendir \"{}\": {}",
            dir.display(),
            reason(&error)
        );
        super::complain(&super::logged(&text));
    }
    Ok(())
}

/// `s.HASH.`: a home on a file server has sockets of other hosts, which look dead from here.
fn host_prefix() -> String {
    let name = dirs::host_name();
    let hash = digest(&SHA512, name.as_encoded_bytes());
    let letter = |&byte: &u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    let hash: String = hash.as_ref().iter().take(10).map(letter).collect();
    format!("s.{hash}.")
}

/// Why a path was not expanded.
#[derive(Debug)]
enum Unexpanded {
    /// A token that there is not, at which OpenSSH ends.
    Token(&'static str, Option<char>),
    /// `~` with the name of nobody.
    User(String),
}

impl From<Unexpanded> for Fatal {
    fn from(why: Unexpanded) -> Self {
        match why {
            Unexpanded::User(name) => unprepared(&no_such_user(&name)),
            Unexpanded::Token(reason, key) => {
                let key = key.map(String::from).unwrap_or_default();
                Self::exiting_255(format!(
                    "vdollar_percent_expand: {reason}{key}\npercent_expand: failed"
                ))
            }
        }
    }
}

fn no_such_user(name: &str) -> String {
    format!(
        "tilde_expand: No such user {name}\nexpand_pathspec: failed to user-expand agent socket directory"
    )
}

/// The tokens of sshd_config(5) that a path can have, `~` and `~user` from the user database, and `home` for what is
/// relative.
fn expanded(path: &str, home: &Path) -> Result<PathBuf, Unexpanded> {
    let (uid, name) = dirs::user();
    let mut out = String::new();
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('%') => out.push('%'),
            Some('h') => out.push_str(&home.to_string_lossy()),
            Some('U') => out.push_str(&uid.to_string()),
            Some('u') => out.push_str(&name.clone().unwrap_or_default().to_string_lossy()),
            Some(key) => return Err(Unexpanded::Token("unknown key %", Some(key))),
            None => return Err(Unexpanded::Token("invalid format", None)),
        }
    }
    let Some(rest) = out.strip_prefix('~') else {
        return Ok(home.join(out));
    };
    let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let user = (!user.is_empty()).then_some(user);
    let base = dirs::home_of(user.map(OsStr::new));
    // One's own home is known even where the user database is not.
    let base = base.or_else(|| user.is_none().then(|| home.to_owned()));
    match base {
        Some(base) => Ok(base.join(rest.trim_start_matches('/'))),
        None => Err(Unexpanded::User(user.unwrap_or_default().to_owned())),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLong>())
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
        let own = dirs::home_of(None).unwrap();
        assert_eq!(path("~/x%%"), Some(own.join("x%")));
        assert_eq!(
            path("~root/x"),
            Some(dirs::home_of(Some(OsStr::new("root"))).unwrap().join("x"))
        );
        assert_eq!(path("%h/x"), Some("/home/Zoë/x".into()));
        assert_eq!(path("/run/%U"), Some(format!("/run/{}", dirs::user().0).into()));
        assert_eq!(path("%i"), None);
        assert_eq!(path("%"), None);
        assert_eq!(path("~nobody-of-this-name/x"), None);
    }
}
