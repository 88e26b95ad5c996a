//! Where claviger's files are on this OS; CLAVIGER_* variables override. Reads the environment once.
//!
//! The contract of an OS: `usual` (the places when nothing is overridden), `host_name`, `home_of`, `user`,
//! `ssh_program`, `ssh_installed`, SSH_CONFIGS, SSH_AGENT and SK_HELPERS. Linux follows the XDG base directory specification 0.8, macOS too where somebody
//! set it up, else ~/Library; Windows has the roaming and the local folder of the profile.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as imp;
#[cfg(windows)]
use windows as imp;

#[cfg(windows)]
pub(crate) use imp::own_pipe;
pub use imp::{SSH_AGENT, SSH_CONFIGS, home_of, host_name, ssh_installed, ssh_program, user};

use std::path::PathBuf;

/// The places of the design's table "Files".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The user's home: $HOME, else what the user database says; on Windows the profile.
    pub home: PathBuf,
    /// CLAVIGER_CONFIG, else $XDG_CONFIG_HOME/claviger/config.toml; %APPDATA%\\claviger\\config.toml.
    pub config: PathBuf,
    /// CLAVIGER_STATE_DIR, else $XDG_STATE_HOME/claviger; %LOCALAPPDATA%\\claviger.
    pub state: PathBuf,
    /// CLAVIGER_DATA_DIR, else $XDG_DATA_HOME/claviger; %APPDATA%\\claviger.
    pub data: PathBuf,
    /// CLAVIGER_SOCKET, else $XDG_RUNTIME_DIR/claviger/agent.sock, else ~/.ssh/agent/claviger.sock; on Windows a pipe
    /// that bears the user's own name.
    pub socket: PathBuf,
}

/// Finds them; an error says which variable is missing or not absolute. XDG variables that are not absolute are
/// ignored, as their specification asks; ours are refused, because whoever set one meant something by it.
pub fn places() -> Result<Places, String> {
    let usual = imp::usual()?;
    Ok(Places {
        config: chosen("CLAVIGER_CONFIG")?.unwrap_or(usual.config),
        state: chosen("CLAVIGER_STATE_DIR")?.unwrap_or(usual.state),
        data: chosen("CLAVIGER_DATA_DIR")?.unwrap_or(usual.data),
        socket: chosen("CLAVIGER_SOCKET")?.unwrap_or(usual.socket),
        home: usual.home,
    })
}

/// A variable that a name of a file holds, as the person wrote it.
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where places are read from the environment"
    )]
    std::env::var_os(name)
}

/// OpenSSH's ssh-sk-helper: SSH_SK_HELPER, else the first that is installed where OpenSSH's packages put it.
pub fn sk_helper() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where places are read from the environment"
    )]
    let named = std::env::var_os("SSH_SK_HELPER").filter(|value| !value.is_empty());
    named.map(PathBuf::from).or_else(|| {
        let mut known = imp::SK_HELPERS.iter().map(PathBuf::from);
        known.find(|path| path.exists())
    })
}

/// The middleware through which ssh asks security keys: SSH_SK_PROVIDER, else what is built into OpenSSH.
pub fn sk_provider() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where places are read from the environment"
    )]
    let named = std::env::var("SSH_SK_PROVIDER").ok();
    named
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| String::from("internal"))
}

/// An override that is set and not empty.
fn chosen(variable: &str) -> Result<Option<PathBuf>, String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where places are read from the environment"
    )]
    let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(value);
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(format!("{variable} is not an absolute path: {}", path.display()))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;
    use std::path::Path;

    /// What a process with exactly these variables finds.
    fn with(variables: &[(&str, &str)], check: impl FnOnce(Result<Places, String>)) {
        in_child(|| {
            // SAFETY: a forked child has a single thread, so nobody reads the environment meanwhile.
            #[expect(clippy::disallowed_methods, reason = "the child has a single thread")]
            unsafe {
                for (name, _) in std::env::vars_os() {
                    std::env::remove_var(name);
                }
                for (name, value) in variables {
                    std::env::set_var(name, value);
                }
            }
            check(places());
        });
    }

    #[test]
    fn without_variables_everything_is_under_home() {
        with(
            &[
                ("HOME", "/h"),
                ("XDG_CONFIG_HOME", "relative"),
                ("CLAVIGER_SOCKET", ""),
            ],
            |found| {
                let expected = Places {
                    home: "/h".into(),
                    config: "/h/.config/claviger/config.toml".into(),
                    state: "/h/.local/state/claviger".into(),
                    data: "/h/.local/share/claviger".into(),
                    socket: "/h/.ssh/agent/claviger.sock".into(),
                };
                assert_eq!(found, Ok(expected));
            },
        );
    }

    #[test]
    fn xdg_directories_and_overrides_are_obeyed() {
        let run = tempfile::tempdir().unwrap();
        let run = run.path().to_str().unwrap();
        let xdg = [
            ("HOME", "/h"),
            ("XDG_CONFIG_HOME", "/c"),
            ("XDG_STATE_HOME", "/s"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_RUNTIME_DIR", run),
        ];
        with(&xdg, |found| {
            let found = found.unwrap();
            assert_eq!(found.config, Path::new("/c/claviger/config.toml"));
            assert_eq!(
                (found.state, found.data),
                ("/s/claviger".into(), "/d/claviger".into())
            );
            assert_eq!(found.socket, Path::new(run).join("claviger/agent.sock"));
        });
        let own = [
            ("CLAVIGER_CONFIG", "/o/c.toml"),
            ("CLAVIGER_STATE_DIR", "/o/s"),
            ("CLAVIGER_DATA_DIR", "/o/d"),
            ("CLAVIGER_SOCKET", "/o/sock"),
        ];
        with(&[&xdg[..], &own[..]].concat(), |found| {
            let found = found.unwrap();
            assert_eq!((found.config, found.state), ("/o/c.toml".into(), "/o/s".into()));
            assert_eq!((found.data, found.socket), ("/o/d".into(), "/o/sock".into()));
        });
    }

    #[test]
    fn a_runtime_directory_that_is_missing_or_anothers_is_not_used() {
        let fallback = Path::new("/h/.ssh/agent/claviger.sock");
        with(
            &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/nonexistent/run")],
            |found| {
                assert_eq!(found.unwrap().socket, fallback);
            },
        );
        in_child(|| {
            crate::testing::become_nobody();
            with(&[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/")], |found| {
                assert_eq!(found.unwrap().socket, fallback);
            });
        });
    }

    #[test]
    fn a_relative_override_is_an_error_that_names_it() {
        with(&[("HOME", "/h"), ("CLAVIGER_SOCKET", "here.sock")], |found| {
            assert!(
                found
                    .unwrap_err()
                    .contains("CLAVIGER_SOCKET is not an absolute path: here.sock")
            );
        });
        with(&[("HOME", "h")], |found| {
            assert!(found.unwrap_err().contains("HOME"))
        });
    }

    #[test]
    fn without_home_the_user_database_is_asked() {
        let uid = format!(":{}:", rustix::process::getuid().as_raw());
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let listed = users.lines().find(|line| line.contains(&format!(":x{uid}")));
        with(&[], |found| {
            match listed.and_then(|line| line.split(':').nth(5)) {
                Some(home) => assert_eq!(found.unwrap().home, Path::new(home)),
                // A container's user may have no entry.
                None => assert!(found.is_err_and(|error| error.contains("HOME"))),
            }
        });
    }
}
