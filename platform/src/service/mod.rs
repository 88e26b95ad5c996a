//! The agent as a service of the person's own: there from the login on, its socket in SSH_AUTH_SOCK, gone without a trace.
//!
//! The contract of an OS: [`plan`] says what is installed ([`Part`]s: whole files, links, and blocks in files of the person)
//! and which of the OS's programs are told ([`Call`]s). Plans are made of facts alone, so every system's can be read and
//! tested on every other; only [`Part`] touches the disk. The texts are in `platform/units/`.
//!
//! A file of ours says so in its first lines, with a digest of the rest: that is how one of an older version is told from one
//! that a person has changed, and both from one that was never ours. The last two are not overwritten unless asked.

mod block;
#[cfg(windows)]
mod builtin;
mod call;
mod conflict;
mod linux;
mod macos;
mod mark;
mod part;
mod quote;
mod windows;

pub use call::Call;
pub use conflict::Conflict;
pub use part::{Part, State, What};

use std::path::PathBuf;

/// Whose service manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// systemd's user manager: socket and service.
    Linux,
    /// launchd: an agent of the user's.
    Macos,
    /// The task scheduler: a task at the user's logon.
    Windows,
}

impl System {
    /// The one that this program was built for, if its service manager is known.
    pub fn here() -> Option<Self> {
        [
            (cfg!(target_os = "linux"), Self::Linux),
            (cfg!(target_os = "macos"), Self::Macos),
            (cfg!(windows), Self::Windows),
        ]
        .into_iter()
        .find_map(|(here, system)| here.then_some(system))
    }

    /// As options and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Macos => "macos",
            Self::Windows => "windows",
        }
    }
}

/// What a plan is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program that is started, absolute.
    pub program: PathBuf,
    /// The person's home.
    pub home: PathBuf,
    /// $XDG_CONFIG_HOME, or ~/.config.
    pub config_home: PathBuf,
    /// claviger's own state directory.
    pub state: PathBuf,
    /// Where it listens, if a place was chosen; else the system's usual one. On Windows a pipe's name.
    pub socket: Option<PathBuf>,
    /// CLAVIGER_CONFIG and its like, as far as they were chosen.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// The user's number (macOS).
    pub uid: u32,
    /// DOMAIN\NAME (Windows).
    pub account: String,
    /// Where zsh's files are, if not in the home.
    pub zdotdir: Option<PathBuf>,
    /// Where the system's own parts are: `/`, but in tests.
    pub root: PathBuf,
}

/// What is installed, and how the OS learns of it.
#[derive(Debug)]
pub struct Plan {
    /// In the order in which they are written.
    pub parts: Vec<Part>,
    /// Where an installation under other circumstances may have put some. Removed with the rest, never written.
    pub elsewhere: Vec<Part>,
    /// Has the OS read what was written. That this fails means that its manager is not to be reached from here.
    pub reload: Option<Call>,
    /// Before `start`, when a part had other contents before.
    pub renew: Vec<Call>,
    /// Starts it now; harmless when it runs.
    pub start: Vec<Call>,
    /// Ends it, before the parts are removed; failing is no reason to stop.
    pub stop: Vec<Call>,
    /// Says whether it is there, by its exit status.
    pub probe: Call,
    /// SSH_AUTH_SOCK, as a person reads it.
    pub socket: String,
    /// What is left for the person to do.
    pub advice: Vec<String>,
}

/// Why there is no plan. Display: what, why, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// A path or name that the system's format cannot carry.
    #[error("{what} {}: {why}", path.display())]
    Unfit {
        /// What it is for.
        what: &'static str,
        /// As given.
        path: PathBuf,
        /// Reason and remedy.
        why: &'static str,
    },
    /// A file that is not ours, or that somebody changed.
    #[error("{}: {why}", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// Reason and remedy.
        why: &'static str,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// Another failure of the OS.
    #[error("{}: {source}", path.display())]
    Io {
        /// What it was about.
        path: PathBuf,
        /// What the OS said.
        source: std::io::Error,
    },
}

/// What is to be installed on `system`.
///
/// # Errors
/// [`ServiceError::Unfit`].
pub fn plan(system: System, setup: &Setup) -> Result<Plan, ServiceError> {
    match system {
        System::Linux => linux::plan(setup),
        System::Macos => macos::plan(setup),
        System::Windows => windows::plan(setup),
    }
}

/// Who else is about to be in SSH_AUTH_SOCK, or listens beside; on Windows, who else is where ssh looks.
pub fn conflicts(system: System, setup: &Setup) -> Vec<Conflict> {
    match system {
        System::Linux => conflict::linux(setup),
        System::Macos => conflict::macos(setup),
        #[cfg(windows)]
        System::Windows => builtin::conflicts(setup),
        // It is known to the system itself only.
        #[cfg(not(windows))]
        System::Windows => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
