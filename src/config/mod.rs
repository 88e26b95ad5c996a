//! Configuration: text to a typed [`Config`]; an unknown key or a wrong type is an error with line and column.
//!
//! Only settings that do something are known: a setting that would be ignored is an error, so that nobody
//! relies on it. `read` turns text into values; `edit` changes `keys.files` and `pin` the rules about one host, and leave
//! the rest as it was written.

mod edit;
mod host;
mod kdbx;
mod limits;
mod lock;
mod offer;
mod pin;
mod read;
#[cfg(test)]
mod tests;
mod upstream;
mod windows;

use crate::key::KdfLimits;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub use edit::edit_key_files;
pub use host::HostRule;
pub use kdbx::Kdbx;
pub use lock::Lock;
pub use pin::{pin, unpin};

/// sshd before 10.6 ends a connection after six refused keys: one try is left for a password.
const OFFER_MAX: usize = 5;

/// A larger file is not a configuration.
const MAX_BYTES: u64 = 1024 * 1024;

/// A source of passphrases, in the order of `vault.order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The OS keyring.
    Os,
    /// KeePass databases (`[[kdbx]]`).
    Kdbx,
    /// The embedded vault.
    Embedded,
    /// The person.
    Prompt,
}

/// The whole configuration, with defaults filled in and `~` expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `keys.dirs`.
    pub key_dirs: Vec<PathBuf>,
    /// `keys.files`.
    pub key_files: Vec<PathBuf>,
    /// `vault.order`.
    pub order: Vec<Source>,
    /// `[lock]`: when open keys are sealed.
    pub lock: Lock,
    /// `history.keep`: whether to learn which key works where.
    pub keep_history: bool,
    /// `offer.max`: most keys that a connection to a known server is shown; 0 = all.
    pub offer_max: usize,
    /// `offer.unbound_max`: most keys that a login client is shown that does not say where it goes; 0 = all.
    pub unbound_max: usize,
    /// `[[host]]`: which keys go where, in the order in which they are asked.
    pub hosts: Vec<HostRule>,
    /// `[limits]`: what deriving a key may cost.
    pub limits: KdfLimits,
    /// `upstream.socket` of each `[[upstream]]`: other agents, in the order in which their keys are listed.
    pub upstreams: Vec<PathBuf>,
    /// `[[kdbx]]`: KeePass databases, in the order in which their keys are listed.
    pub databases: Vec<Kdbx>,
    /// `windows.cygwin_socket`: the file by which programs of Cygwin and MSYS find the agent.
    pub cygwin_socket: Option<PathBuf>,
}

/// Why a configuration was refused: file, line and column, reason, remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not valid; `line` and `column` count from 1, columns in characters.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Invalid {
        /// The configuration file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Character in that line, from 1.
        column: usize,
        /// The key, what is wrong with it, and what would be right.
        reason: String,
    },
    /// A path that TOML text cannot hold.
    #[error("{}: not UTF-8, so {} cannot name it; rename it or a directory above it", file.display(), path.display())]
    Unwritable {
        /// The configuration file.
        path: PathBuf,
        /// The path to be written into it.
        file: PathBuf,
    },
    /// Could not be read or written.
    #[error(transparent)]
    File(#[from] claviger_platform::files::FileError),
}

impl Config {
    /// What holds where the file says nothing.
    pub fn defaults(home: &Path) -> Self {
        Self {
            key_dirs: vec![home.join(".ssh")],
            key_files: Vec::new(),
            order: vec![Source::Os, Source::Kdbx, Source::Embedded, Source::Prompt],
            lock: Lock::DEFAULT,
            keep_history: true,
            offer_max: OFFER_MAX,
            unbound_max: 0,
            hosts: Vec::new(),
            limits: KdfLimits::DEFAULT,
            upstreams: Vec::new(),
            databases: Vec::new(),
            cygwin_socket: None,
        }
    }

    /// Parses `text`; `path` is for messages, `home` replaces `~`.
    pub fn parse(text: &[u8], path: &Path, home: &Path) -> Result<Self, ConfigError> {
        read::parse(text, path, home, Self::defaults(home))
    }

    /// Reads the file; a missing one gives the defaults.
    pub fn load(path: &Path, home: &Path) -> Result<Self, ConfigError> {
        Self::load_over(path, home, Self::defaults(home))
    }

    /// The same with other defaults.
    pub fn load_over(path: &Path, home: &Path, defaults: Self) -> Result<Self, ConfigError> {
        match read::bytes(path)? {
            Some(text) => read::parse(&text, path, home, defaults),
            None => Ok(defaults),
        }
    }

    /// What holds for the drop-in for ssh-agent where the file says nothing: keys only from clients, nothing stored.
    pub fn without_files() -> Self {
        Self {
            key_dirs: Vec::new(),
            key_files: Vec::new(),
            order: Vec::new(),
            lock: Lock::NEVER,
            keep_history: false,
            offer_max: 0,
            unbound_max: 0,
            hosts: Vec::new(),
            limits: KdfLimits::DEFAULT,
            upstreams: Vec::new(),
            databases: Vec::new(),
            cygwin_socket: None,
        }
    }

    /// The effective configuration as TOML.
    pub fn to_toml(&self) -> String {
        // Strings, and arrays and tables of strings, only: there is nothing in it that TOML could not hold.
        toml::to_string_pretty(&read::Text::from(self)).unwrap_or_default()
    }

    /// The effective configuration as JSON, with the names of the file.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(read::Text::from(self))
    }
}
