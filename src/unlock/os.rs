//! The OS keyring as a store: names of accounts, what a keyring manager shows, and checks around each change.

use crate::secret::Secret;
use claviger_platform::keyring::{Keyring, KeyringError};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One secret's place in the keyring.
pub(super) struct Account {
    /// The name by which it is found.
    pub(super) name: String,
    /// What a keyring manager shows.
    pub(super) label: String,
}

impl Account {
    /// The passphrase of the key `fingerprint`, whose file is at `path`. The name is the fingerprint, so that a moved
    /// or copied file finds it.
    pub(super) fn of_key(fingerprint: &str, path: &Path) -> Self {
        Self {
            name: fingerprint.to_owned(),
            label: format!("SSH key passphrase of {}", path.display()),
        }
    }

    /// The master passphrase of the vault at `path`.
    pub(super) fn of_vault(path: &Path) -> Self {
        let path = path.display();
        Self {
            name: format!("vault:{path}"),
            label: format!("Master passphrase of the claviger vault {path}"),
        }
    }
}

impl Account {
    /// The master password of the KeePass database at `path`.
    pub(super) fn of_database(path: &Path) -> Self {
        let path = path.display();
        Self {
            name: format!("database:{path}"),
            label: format!("Master password of the KeePass database {path}"),
        }
    }
}

/// For how long a keyring that hung is not asked for what can be had elsewhere.
const HUNG_LATELY: Duration = Duration::from_secs(10);

/// The OS keyring.
pub(super) struct OsStore {
    keyring: Arc<Keyring>,
    /// When it last did not answer in time.
    hung: Mutex<Option<Instant>>,
}

impl OsStore {
    /// Contacts nothing yet.
    pub(super) fn new(keyring: Arc<Keyring>) -> Self {
        Self {
            keyring,
            hung: Mutex::new(None),
        }
    }

    /// Whether it could be used now.
    pub(super) async fn probe(&self) -> Result<(), KeyringError> {
        self.noted(self.keyring.probe().await)
    }

    /// Whether it hung a moment ago. A person who waited for it once within a login is not made to wait again for the
    /// vault's master passphrase, and then for an offer.
    pub(super) fn hung_lately(&self) -> bool {
        self.hung().is_some_and(|at| at.elapsed() < HUNG_LATELY)
    }

    /// What is stored.
    pub(super) async fn find(&self, account: &Account) -> Result<Option<Arc<Secret>>, KeyringError> {
        Ok(self.noted(self.keyring.get(&account.name).await)?.map(Arc::new))
    }

    /// Stores, and reads it back: some services take a secret and lose it, or hand out another item.
    pub(super) async fn put(&self, account: &Account, secret: Arc<Secret>) -> Result<(), KeyringError> {
        self.keyring
            .set(&account.name, &account.label, secret.clone())
            .await?;
        match self.keyring.get(&account.name).await? {
            Some(back) if back[..] == secret[..] => Ok(()),
            _ => Err(KeyringError::Failed(
                "it does not give back what was stored".to_owned(),
            )),
        }
    }

    /// Deletes; with `value` only if that is still what is stored, as another process may have replaced it.
    pub(super) async fn remove(
        &self,
        account: &Account,
        value: Option<&Secret>,
    ) -> Result<bool, KeyringError> {
        if let Some(value) = value {
            match self.keyring.get(&account.name).await? {
                Some(stored) if stored[..] == value[..] => {}
                _ => return Ok(false),
            }
        }
        self.keyring.delete(&account.name).await
    }

    fn noted<T>(&self, answer: Result<T, KeyringError>) -> Result<T, KeyringError> {
        *self.hung() = matches!(answer, Err(KeyringError::TimedOut(_))).then(Instant::now);
        answer
    }

    fn hung(&self) -> MutexGuard<'_, Option<Instant>> {
        self.hung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
