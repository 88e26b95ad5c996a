//! The sources together: what is stored, forgotten, opened and reported. The walk through them is in `walk`.

use super::database::{Databases, Given};
use super::gate::Gate;
use super::offer::Offers;
use super::os::{Account, OsStore};
use super::session::{Parts, Session, SessionError};
use super::stores::{Store, StoreError, name_of, vault_error};
use super::vault::{KdfCost, Vault, VaultError};
use super::{Settings, UnlockError, Wanted};
use crate::config::Source;
use crate::secret::Secret;
use crate::wire::report::SourceReport;
use claviger_platform::harden;
use claviger_platform::keyring::KeyringError;
use claviger_platform::prompt::Means;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Asks the sources in order.
pub struct Unlocker {
    pub(super) order: Vec<Source>,
    os: Option<Arc<OsStore>>,
    pub(super) session: Arc<Session<Vault>>,
    pub(super) means: Arc<Means>,
    pub(super) offers: Arc<Offers>,
    pub(super) gate: Arc<Gate>,
    pub(super) databases: Databases,
    state: PathBuf,
    /// The last failure of each source, by its name.
    failures: Mutex<BTreeMap<&'static str, String>>,
}

impl Unlocker {
    /// Nothing is contacted before the first question.
    pub fn new(settings: Settings) -> Self {
        let hidden = || harden::memory_report().secret_memory;
        Self::with_habits(settings, KdfCost::STANDARD, hidden)
    }

    /// With another cost of the vaults that it makes, and another rule for when passphrases of keys may be kept.
    pub(super) fn with_habits(settings: Settings, cost: KdfCost, may_keep: fn() -> bool) -> Self {
        let Settings {
            order,
            vault,
            state,
            databases,
            home,
            limits,
            means,
            keyring,
            master,
        } = settings;
        let os = order
            .contains(&Source::Os)
            .then(|| Arc::new(OsStore::new(keyring)));
        let gate = Arc::new(Gate::new());
        let offers = Arc::new(Offers::new(&state, means.clone()));
        // Its name in the keyring must not depend on the working directory.
        let vault = std::path::absolute(&vault).unwrap_or(vault);
        let given = Given {
            os: os.clone(),
            means: means.clone(),
            offers: offers.clone(),
            gate: gate.clone(),
            home,
            limits,
        };
        let databases = Databases::new(given, databases);
        let session = Arc::new(Session::new(Parts {
            account: Account::of_vault(&vault),
            file: Vault::new(vault, cost, limits),
            os: os.clone(),
            means: means.clone(),
            offers: offers.clone(),
            gate: gate.clone(),
            given: master,
            may_keep,
        }));
        Self {
            order,
            os,
            session,
            means,
            offers,
            gate,
            databases,
            state,
            failures: Mutex::default(),
        }
    }

    /// Stores in the first store of the order that can; makes the embedded vault when needed. Returns a sentence
    /// that names the place ("the OS keyring", "the vault /path").
    pub async fn remember(&self, wanted: &Wanted, secret: Arc<Secret>) -> Result<String, UnlockError> {
        let mut reasons = Vec::new();
        for store in self.stores() {
            match store.put(wanted, secret.clone()).await {
                Ok(()) => {
                    self.worked(store.name());
                    return Ok(store.place());
                }
                Err(error) => {
                    self.skipped(&store, &error);
                    reasons.push((store, error));
                }
            }
        }
        let text = |(store, error): &(Store, StoreError)| format!("{}: {error}", store.name());
        let texts = reasons.iter().map(text).collect();
        // A damaged vault is the one thing here that a person must look at.
        match reasons
            .into_iter()
            .find(|(_, error)| matches!(error, StoreError::Embedded(SessionError::Vault(_))))
        {
            Some((store, error)) => Err(store.error(error)),
            None => Err(UnlockError::NoStore(texts)),
        }
    }

    /// Removes from every store of the order that has it; returns the places. A store that cannot be asked is an
    /// error, after the others were asked; a machine without a keyring holds nothing to forget.
    pub async fn forget(&self, wanted: &Wanted) -> Result<Vec<String>, UnlockError> {
        let mut places = Vec::new();
        let mut failure = None;
        for store in self.stores() {
            match store.remove(wanted, None).await {
                Ok(true) => places.push(store.place()),
                Ok(false) | Err(StoreError::Os(KeyringError::Absent(_))) => {}
                Err(error) => {
                    self.skipped(&store, &error);
                    failure = Some(store.error(error));
                }
            }
        }
        failure.map_or(Ok(places), Err)
    }

    /// Whether a key's passphrase is stored, as far as that can be told without asking anybody: none where it may be behind a
    /// master passphrase, or a keyring that does not answer.
    pub async fn is_stored(&self, wanted: &Wanted) -> Option<bool> {
        let account = Account::of_key(&wanted.fingerprint, &wanted.path);
        let mut known = Some(false);
        for source in &self.order {
            match (source, &self.os) {
                (Source::Os, Some(os)) => match os.find(&account).await {
                    Ok(Some(_)) => return Some(true),
                    Ok(None) | Err(KeyringError::Absent(_)) => {}
                    Err(_) => known = None,
                },
                (Source::Embedded, _) if self.session.file().exists() => known = None,
                (Source::Kdbx, _) if !self.databases.views().is_empty() => known = None,
                _ => {}
            }
        }
        known
    }

    /// Opens the embedded vault for this session, with `master` or by its sources (OS keyring, prompt).
    pub async fn open_vault(&self, master: Option<Secret>) -> Result<(), UnlockError> {
        let opened = match master {
            Some(master) => self.session.open_with(master).await,
            None if !self.session.file().exists() => Err(VaultError::Missing.into()),
            None => self.session.open().await,
        };
        opened.map_err(|error| vault_error(&self.session, &error))
    }

    /// Forgets the master passphrases of the vault and of databases, and what was kept of an open vault.
    pub fn close(&self) {
        self.session.close();
        self.databases.close();
    }

    /// As [`close`](Self::close), of the embedded vault only.
    pub fn close_vault(&self) {
        self.session.close();
    }

    /// The vault's path, by which it can be named.
    pub fn vault_path(&self) -> &Path {
        self.session.file().path()
    }

    /// The KeePass databases.
    pub fn databases(&self) -> &Databases {
        &self.databases
    }

    /// The directory where claviger notes things.
    pub fn state_dir(&self) -> &Path {
        &self.state
    }

    /// Each source's state, with the reason of the last failure. Bounded, and never prompts.
    pub async fn report(&self) -> Vec<SourceReport> {
        let mut reports = Vec::new();
        for source in &self.order {
            let name = name_of(*source);
            let (state, mut detail) = match (source, &self.os) {
                (Source::Os, Some(os)) => match os.probe().await {
                    Ok(()) => ("ready", "OS keyring".to_owned()),
                    Err(reason) => ("skipped", reason.to_string()),
                },
                (Source::Embedded, _) => (self.vault_state(), self.vault_path().display().to_string()),
                (Source::Prompt, _) => match self.means.describe() {
                    none if none.starts_with("none") => ("skipped", none),
                    means => ("ready", means),
                },
                (Source::Kdbx, _) => {
                    reports.extend(self.databases.report().await);
                    continue;
                }
                _ => continue,
            };
            if let Some(last) = self.failures().get(name).filter(|last| **last != detail) {
                detail = format!("{detail}; last: {last}");
            }
            reports.push(SourceReport {
                source: name.to_owned(),
                state: state.to_owned(),
                detail,
            });
        }
        reports
    }

    fn vault_state(&self) -> &'static str {
        match (self.session.file().exists(), self.session.is_open()) {
            (false, _) => "absent",
            (true, false) => "closed",
            (true, true) => "ready",
        }
    }

    pub(super) fn store(&self, source: Source) -> Option<Store> {
        match source {
            Source::Os => self.os.clone().map(Store::Os),
            Source::Embedded => Some(Store::Embedded(self.session.clone())),
            Source::Kdbx | Source::Prompt => None,
        }
    }

    pub(super) fn stores(&self) -> impl Iterator<Item = Store> + '_ {
        self.order.iter().filter_map(|source| self.store(*source))
    }

    pub(super) fn failed(&self, source: &'static str, reason: &dyn std::fmt::Display) {
        let reason = reason.to_string();
        if self.failures().get(source) == Some(&reason) {
            tracing::debug!(source, reason, "source of passphrases skipped again");
        } else {
            tracing::warn!(source, reason, "source of passphrases skipped");
        }
        self.failures().insert(source, reason);
    }

    /// As [`failed`](Self::failed); but a machine without a keyring is no fault to warn of at each login.
    pub(super) fn skipped(&self, store: &Store, error: &StoreError) {
        if let StoreError::Os(KeyringError::Absent(reason)) = error {
            tracing::info!(
                source = store.name(),
                reason,
                "source of passphrases is not there"
            );
            self.failures().insert(store.name(), error.to_string());
        } else if matches!(error, StoreError::Embedded(_)) {
            // Which file is damaged has to be said; the keyring's messages name it already.
            self.failed(store.name(), &format!("{}: {error}", store.place()));
        } else {
            self.failed(store.name(), error);
        }
    }

    pub(super) fn worked(&self, source: &'static str) {
        self.failures().remove(source);
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
