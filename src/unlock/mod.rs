//! Where passphrases come from, in order: OS keyring, KeePass database, embedded vault, prompt.
use crate::config::Source;
use crate::key::KeyError;
use crate::secret::Secret;
use crate::wire::report::SourceReport;
use claviger_platform::{keyring::Keyring, prompt::Means};
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
    Exhausted { key: String, reasons: Vec<String> },
    /// The key file itself is at fault, whatever the passphrase.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The embedded vault is damaged, or cannot be read or written.
    #[error("vault {}: {reason}", path.display())]
    Vault { path: PathBuf, reason: String },
    /// Nothing to store in: no keyring, and no way to ask for a vault's master passphrase.
    #[error("nowhere to store: {}", .0.join("; "))]
    NoStore(Vec<String>),
}

/// What the sources are made of.
pub struct Settings {
    /// Order of sources.
    pub order: Vec<Source>,
    /// The embedded vault's file.
    pub vault: PathBuf,
    /// Where declined offers to remember are noted.
    pub state: PathBuf,
    /// How to ask.
    pub means: Arc<Means>,
    /// The OS keyring.
    pub keyring: Arc<Keyring>,
    /// Master passphrase given on the command line (`--vault-passphrase-fd`).
    pub master: Option<Secret>,
}

/// Asks the sources in order.
pub struct Unlocker {}

impl Unlocker {
    /// Nothing is contacted before the first question.
    pub fn new(settings: Settings) -> Self {
        let _ = settings;
        Self {}
    }
    /// Finds a passphrase that `attempt` accepts (it runs on a blocking thread: it derives a key). A stored one that
    /// does not fit is tried once, reported, dropped from its store, and the next source is asked; a prompt is asked at most
    /// three times. After a prompt that worked on a terminal, the person is offered once to have it remembered.
    /// Returns what `attempt` made, and the name of the source ("os", "embedded", "prompt").
    pub async fn unlock<T, F>(&self, wanted: &Wanted, attempt: F) -> Result<(T, &'static str), UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let _ = (wanted, attempt);
        todo!()
    }
    /// Stores in the first store of the order that can; makes the embedded vault when needed. Returns a sentence
    /// that names the place ("the OS keyring", "the vault /path").
    pub async fn remember(&self, wanted: &Wanted, secret: Arc<Secret>) -> Result<String, UnlockError> {
        let _ = (wanted, secret);
        todo!()
    }
    /// Removes from every store that has it; returns the places. A store that cannot be asked is an error.
    pub async fn forget(&self, wanted: &Wanted) -> Result<Vec<String>, UnlockError> {
        let _ = wanted;
        todo!()
    }
    /// Opens the embedded vault for this session, with `master` or by its sources (OS keyring, prompt).
    pub async fn open_vault(&self, master: Option<Secret>) -> Result<(), UnlockError> {
        let _ = master;
        todo!()
    }
    /// Forgets the vault's master passphrase.
    pub fn close(&self) {}
    /// The vault's path, by which it can be named.
    pub fn vault_path(&self) -> &std::path::Path {
        todo!()
    }
    /// Each source's state, with the reason of the last failure. Bounded, and never prompts.
    pub async fn report(&self) -> Vec<SourceReport> {
        todo!()
    }
}
