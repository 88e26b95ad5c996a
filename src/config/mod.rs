//! Configuration: text to a typed [`Config`]; an unknown key or a wrong type is an error with line and column.
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A source of passphrases, in the order of `vault.order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The OS keyring.
    Os,
    /// KeePass databases (`[[kdbx]]`; none can be configured yet, so this asks nothing).
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
    /// `lock.idle`; `None` = "never".
    pub idle: Option<Duration>,
}

/// Why a configuration was refused: file, line and column, reason, remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not valid; `line` and `column` count from 1.
    #[error("{}:{line}:{column}: {reason}", path.display())]
    Invalid {
        path: PathBuf,
        line: usize,
        column: usize,
        reason: String,
    },
    /// Could not be read or written.
    #[error(transparent)]
    File(#[from] claviger_platform::files::FileError),
}

impl Config {
    /// Parses `text`; `path` is for messages, `home` replaces `~`.
    pub fn parse(text: &[u8], path: &Path, home: &Path) -> Result<Self, ConfigError> {
        let _ = (text, path, home);
        todo!()
    }
    /// Reads the file; a missing one gives the defaults.
    pub fn load(path: &Path, home: &Path) -> Result<Self, ConfigError> {
        let _ = (path, home);
        todo!()
    }
    /// The effective configuration as TOML.
    pub fn to_toml(&self) -> String {
        todo!()
    }
}

/// Adds (or removes) `file` in `keys.files`, keeping the person's layout and comments; written whole or not at all.
/// False when there was nothing to change.
pub fn edit_key_files(path: &Path, file: &Path, add: bool) -> Result<bool, ConfigError> {
    let _ = (path, file, add);
    todo!()
}
