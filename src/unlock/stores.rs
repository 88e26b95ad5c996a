//! The two places that keep passphrases, behind one set of verbs.

use super::os::{Account, OsStore};
use super::session::{Session, SessionError};
use super::vault::{Vault, VaultError};
use super::{UnlockError, Wanted};
use crate::config::Source;
use crate::secret::Secret;
use claviger_platform::keyring::KeyringError;
use std::sync::Arc;

/// A store that the configuration names.
#[derive(Clone)]
pub(super) enum Store {
    /// The OS keyring.
    Os(Arc<OsStore>),
    /// The embedded vault.
    Embedded(Arc<Session<Vault>>),
}

/// Why a store gave or took nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The OS keyring.
    #[error(transparent)]
    Os(#[from] KeyringError),
    /// The embedded vault.
    #[error(transparent)]
    Embedded(#[from] SessionError),
}

impl Store {
    /// The source's name in reports and messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Store::Os(_) => name_of(Source::Os),
            Store::Embedded(_) => name_of(Source::Embedded),
        }
    }

    /// How a sentence names it.
    pub(super) fn place(&self) -> String {
        match self {
            Store::Os(_) => "the OS keyring".to_owned(),
            Store::Embedded(session) => format!("the vault {}", session.file().path().display()),
        }
    }

    /// The passphrase stored for a key. A vault that was not made yet holds none.
    pub(super) async fn find(&self, wanted: &Wanted) -> Result<Option<Arc<Secret>>, StoreError> {
        match self {
            Store::Os(os) => Ok(os.find(&account(wanted)).await?),
            Store::Embedded(session) if !session.file().exists() => Ok(None),
            Store::Embedded(session) => {
                let found = session.find(wanted.fingerprint.clone()).await?;
                Ok(found.map(Arc::new))
            }
        }
    }

    /// Stores, and makes sure that it is there; makes the vault when there is none.
    pub(super) async fn put(&self, wanted: &Wanted, secret: Arc<Secret>) -> Result<(), StoreError> {
        match self {
            Store::Os(os) => {
                os.probe().await?;
                Ok(os.put(&account(wanted), secret).await?)
            }
            Store::Embedded(session) => {
                // Before a vault is made for nothing.
                Vault::accepts(&secret).map_err(SessionError::from)?;
                session.make().await?;
                let title = format!("Passphrase of {}", wanted.path.display());
                let fingerprint = wanted.fingerprint.clone();
                let job =
                    move |vault: &Vault, master: &[u8]| vault.put(master, &fingerprint, &title, &secret);
                Ok(session.change(job).await?)
            }
        }
    }

    /// Removes, with `value` only what is still that; returns whether there was anything to remove.
    pub(super) async fn remove(
        &self,
        wanted: &Wanted,
        value: Option<Arc<Secret>>,
    ) -> Result<bool, StoreError> {
        match self {
            Store::Os(os) => Ok(os.remove(&account(wanted), value.as_deref()).await?),
            Store::Embedded(session) if !session.file().exists() => Ok(false),
            Store::Embedded(session) => {
                let fingerprint = wanted.fingerprint.clone();
                let job = move |vault: &Vault, master: &[u8]| {
                    vault.remove(master, &fingerprint, value.as_ref().map(|value| &value[..]))
                };
                Ok(session.change(job).await?)
            }
        }
    }

    /// The error as a caller of this room sees it.
    pub(super) fn error(&self, error: StoreError) -> UnlockError {
        match (self, error) {
            (_, StoreError::Os(error)) => UnlockError::Keyring(error),
            (Store::Embedded(session), StoreError::Embedded(error)) => vault_error(session, &error),
            (Store::Os(_), StoreError::Embedded(error)) => UnlockError::NoStore(vec![error.to_string()]),
        }
    }
}

/// The error of a vault as a caller of this room sees it. Errors of files begin with the path, which is named once.
pub(super) fn vault_error(session: &Session<Vault>, error: &SessionError) -> UnlockError {
    let path = session.file().path();
    let text = match error {
        SessionError::Vault(VaultError::File(error)) => error.to_string(),
        other => other.to_string(),
    };
    let reason = text
        .strip_prefix(&format!("{}: ", path.display()))
        .unwrap_or(&text)
        .to_owned();
    UnlockError::Vault {
        path: path.to_owned(),
        reason,
    }
}

/// A source's name in the configuration, in reports, and in messages.
pub(super) fn name_of(source: Source) -> &'static str {
    match source {
        Source::Os => "os",
        Source::Kdbx => "kdbx",
        Source::Embedded => "embedded",
        Source::Prompt => "prompt",
    }
}

fn account(wanted: &Wanted) -> Account {
    Account::of_key(&wanted.fingerprint, &wanted.path)
}
