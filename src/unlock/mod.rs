//! Where passphrases come from, in order: OS keyring, KeePass database, embedded vault, prompt.
//!
//! [`Unlocker`] walks the sources that the configuration names. Each is tried once per unlock; a stored passphrase
//! that does not fit is dropped from its store, unless the store was changed meanwhile; a store that cannot answer is
//! skipped with its reason, which shows in the error, in the log and in [`Unlocker::report`]. Secrets stay in
//! [`Secret`] memory; only the KDBX library holds them elsewhere, for the moment of one call (see `vault`).
//!
//! What is single-flight here is the search for the vault's master passphrase (see `session`); that each key is
//! unlocked by one caller at a time is the key set's part.

mod database;
mod gate;
mod offer;
mod os;
mod session;
mod stores;
#[cfg(test)]
mod tests;
mod unlocker;
mod vault;
mod walk;

pub use database::{Changed, DatabaseView, Databases, Editor, EntryView, KeyView, ListedKey, Listing};
pub use database::{NewKey, Removed, SettingsView, Target};
pub use unlocker::Unlocker;

use crate::config::{Kdbx, Source};
use crate::key::{KdfLimits, KeyError};
use crate::secret::Secret;
use claviger_platform::keyring::{Keyring, KeyringError};
use claviger_platform::prompt::Means;
use std::path::PathBuf;
use std::sync::Arc;

/// The key whose passphrase is wanted: how stores name it, and how questions name it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// "SHA256:...": the name in every store.
    pub fingerprint: String,
    /// Its file, as the person knows it.
    pub path: PathBuf,
    /// Its comment.
    pub comment: String,
}

/// Why no passphrase was found, or a store refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockError {
    /// Every source was asked; the text has each one's reason.
    #[error("no passphrase for {key}: {}", reasons.join("; "))]
    Exhausted {
        /// The key's file.
        key: String,
        /// One for each source, beginning with its name.
        reasons: Vec<String>,
    },
    /// The key file itself is at fault, whatever the passphrase.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The embedded vault is damaged or closed, or cannot be read or written.
    #[error("vault {}: {reason}", path.display())]
    Vault {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// A KeePass database stays closed, or has not what is wanted.
    #[error("database {}: {reason}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// The OS keyring cannot be asked.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Nothing to store in: no keyring, and no way to ask for a vault's master passphrase.
    #[error("nowhere to store: {}", .0.join("; "))]
    NoStore(
        /// One reason for each store, beginning with its name.
        Vec<String>,
    ),
}

/// What the sources are made of.
pub struct Settings {
    /// Order of sources.
    pub order: Vec<Source>,
    /// The embedded vault's file.
    pub vault: PathBuf,
    /// The directory where declined offers to remember are noted.
    pub state: PathBuf,
    /// KeePass databases.
    pub databases: Vec<Kdbx>,
    /// The person's home, for names of files that databases hold.
    pub home: PathBuf,
    /// What opening a vault or a database may cost.
    pub limits: KdfLimits,
    /// How to ask.
    pub means: Arc<Means>,
    /// The OS keyring.
    pub keyring: Arc<Keyring>,
    /// Master passphrase given on the command line (`--vault-passphrase-fd`).
    pub master: Option<Secret>,
}
