//! The embedded vault within one session: its master passphrase is asked for once and kept until [`Session::close`].
//!
//! Kept is the master passphrase, in protected memory, and nothing that it opens: each look-up reads the file anew and
//! derives the vault's key again. That costs about a third of a second per key opened, sees at once what KeePassXC
//! changed, and leaves no passphrase of any key in memory.
//!
//! The master passphrase comes from the command line, the OS keyring, or a prompt. One task at a time looks for it; who
//! waits meanwhile takes what that one found, and counts as refused if the person refused.

mod master;

use super::gate::{Gate, Interrupted};
use super::offer::Offers;
use super::os::{Account, OsStore};
use super::vault::{Vault, VaultError};
use crate::secret::Secret;
use claviger_platform::prompt::Means;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Why the vault gave or took nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// Its file.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// It is closed; the reasons of each source of its master passphrase.
    #[error("closed, and its master passphrase is not to be had ({0})")]
    NoMaster(String),
    /// The program is ending.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// What to do with the file once there is a master passphrase.
type Job<T> = Arc<dyn Fn(&Vault, &[u8]) -> Result<T, VaultError> + Send + Sync>;

/// What a session is made of.
pub(super) struct Parts {
    pub(super) vault: Vault,
    /// Where the master passphrase may be stored; none if the configuration leaves the keyring out.
    pub(super) os: Option<Arc<OsStore>>,
    pub(super) means: Arc<Means>,
    pub(super) offers: Arc<Offers>,
    pub(super) gate: Arc<Gate>,
    /// The master passphrase given on the command line.
    pub(super) given: Option<Secret>,
}

/// The vault, open or closed.
pub(super) struct Session {
    vault: Arc<Vault>,
    account: Account,
    os: Option<Arc<OsStore>>,
    means: Arc<Means>,
    offers: Arc<Offers>,
    gate: Arc<Gate>,
    given: Slot,
    master: Slot,
    /// Held while the master passphrase is sought; inside, why the last search found none.
    search: tokio::sync::Mutex<Option<String>>,
    /// Searches ended so far.
    searches: AtomicU64,
}

impl Session {
    /// Closed; touches nothing yet.
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            vault,
            os,
            means,
            offers,
            gate,
            given,
        } = parts;
        Self {
            account: Account::of_vault(vault.path()),
            vault: Arc::new(vault),
            os,
            means,
            offers,
            gate,
            given: Slot::new(given),
            master: Slot::new(None),
            search: tokio::sync::Mutex::new(None),
            searches: AtomicU64::new(0),
        }
    }

    /// The file.
    pub(super) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Whether the master passphrase is at hand.
    pub(super) fn is_open(&self) -> bool {
        self.master.get().is_some()
    }

    /// Forgets the master passphrase, the one given on the command line too.
    pub(super) fn close(&self) {
        self.master.clear();
        self.given.clear();
    }

    /// Opens with `master` only.
    pub(super) async fn open_with(&self, master: Secret) -> Result<(), SessionError> {
        self.inspect().await?;
        match self
            .fits(&Arc::new(master), &(Arc::new(Vault::check) as Job<()>))
            .await?
        {
            Some(()) => Ok(()),
            None => Err(VaultError::WrongMaster.into()),
        }
    }

    /// Does `job` with the master passphrase, which is sought if it is not at hand or no longer fits.
    pub(super) async fn run<T, J>(&self, job: J) -> Result<T, SessionError>
    where
        T: Send + 'static,
        J: Fn(&Vault, &[u8]) -> Result<T, VaultError> + Send + Sync + 'static,
    {
        let job: Job<T> = Arc::new(job);
        loop {
            if let Some(master) = self.master.get() {
                if let Some(done) = self.fits(&master, &job).await? {
                    return Ok(done);
                }
                tracing::warn!(vault = %self.vault.path().display(), "its master passphrase was changed");
                self.master.clear();
            }
            let mut search = self.search().await?;
            if self.is_open() {
                continue;
            }
            let found = self.seek(&job).await;
            *search = refusal(&found);
            self.searches.fetch_add(1, Ordering::AcqRel);
            drop(search);
            let (done, typed) = found?;
            if let Some(master) = typed {
                self.offer(master).await;
            }
            return Ok(done);
        }
    }

    /// Makes the vault if there is none.
    pub(super) async fn make(&self) -> Result<(), SessionError> {
        if self.vault.exists() {
            return Ok(());
        }
        let mut search = self.search().await?;
        if self.vault.exists() {
            return Ok(());
        }
        let made = self.make_now().await;
        *search = refusal(&made);
        self.searches.fetch_add(1, Ordering::AcqRel);
        drop(search);
        if let Some(master) = made? {
            self.offer(master).await;
        }
        Ok(())
    }

    /// Waits until nobody else seeks; an error if one whom this call waited for was refused.
    async fn search(&self) -> Result<tokio::sync::MutexGuard<'_, Option<String>>, SessionError> {
        let before = self.searches.load(Ordering::Acquire);
        let search = self.search.lock().await;
        match &*search {
            Some(reason) if self.searches.load(Ordering::Acquire) != before => {
                Err(SessionError::NoMaster(reason.clone()))
            }
            _ => Ok(search),
        }
    }

    /// Whether the file is whole, as far as that shows without the master passphrase.
    async fn inspect(&self) -> Result<(), SessionError> {
        let vault = self.vault.clone();
        Ok(self.gate.run(move || vault.inspect()).await??)
    }

    /// Does `job` with `master`, which is kept if it fits; none if it does not.
    async fn fits<T: Send + 'static>(
        &self,
        master: &Arc<Secret>,
        job: &Job<T>,
    ) -> Result<Option<T>, SessionError> {
        let (vault, key, job) = (self.vault.clone(), master.clone(), job.clone());
        match self.gate.run(move || job(&vault, &key)).await? {
            Err(VaultError::WrongMaster) => Ok(None),
            other => {
                let done = other?;
                self.master.set(master.clone());
                Ok(Some(done))
            }
        }
    }
}

/// What those who waited are told; they look for themselves at trouble with the file.
fn refusal<T>(outcome: &Result<T, SessionError>) -> Option<String> {
    match outcome {
        Err(SessionError::NoMaster(reasons)) => Some(reasons.clone()),
        _ => None,
    }
}

/// A secret that may be there; no wait happens while its lock is held.
struct Slot(Mutex<Option<Arc<Secret>>>);

impl Slot {
    fn new(secret: Option<Secret>) -> Self {
        Self(Mutex::new(secret.map(Arc::new)))
    }
    fn get(&self) -> Option<Arc<Secret>> {
        self.lock().clone()
    }
    fn set(&self, secret: Arc<Secret>) {
        *self.lock() = Some(secret);
    }
    fn clear(&self) {
        *self.lock() = None;
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Secret>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
