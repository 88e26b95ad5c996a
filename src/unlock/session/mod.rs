//! A file behind a master passphrase within one session: it is opened once, and stays open until [`Session::close`].
//!
//! Such files are the embedded vault and KeePass databases; of the latter nothing is kept but the master passphrase.
//!
//! Kept is the master passphrase, in protected memory. Where that memory is of the kind that core images leave out, the
//! passphrases of keys that the vault held when it was opened are kept too, and a further look-up derives nothing:
//! the derivation is most of a second (64 MiB of Argon2id, see `benches/README.md`). They answer only while the file has
//! the very bytes that were read; what KeePassXC or another claviger changed is read again with the master passphrase
//! that was kept. Elsewhere each look-up derives the vault's key again, and no passphrase of any key stays in memory,
//! so that a core image never holds one.
//!
//! The master passphrase comes from the command line, the OS keyring, or a prompt. One task at a time looks for it; who
//! waits meanwhile takes what that one found, and counts as refused if the person refused.

mod kept;
mod master;
mod verbs;

use super::gate::{Gate, Interrupted};
use super::offer::Offers;
use super::os::{Account, OsStore};
use super::vault::VaultError;
use crate::secret::Secret;
use claviger_platform::prompt::Means;
use kept::{Kept, Slot};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// A file that a session opens.
pub(super) trait Protected: Send + Sync + 'static {
    /// Where it is.
    fn path(&self) -> &Path;
    /// How a sentence names what opens it: "the master passphrase of the vault /path".
    fn secret(&self) -> String;
    /// Whether it is whole, as far as that shows without the master passphrase.
    fn inspect(&self) -> Result<(), VaultError>;
    /// Whether it may open with an empty master passphrase, so that it is tried before anybody is asked.
    fn may_open_alone(&self) -> bool;
}

/// What to do with the file, given a master passphrase.
type Work<F, T> = dyn Fn(&F, &[u8]) -> Result<T, VaultError> + Send + Sync;

/// What waits for a master passphrase that fits.
pub(super) struct Job<F, T> {
    work: Arc<Work<F, T>>,
    /// [`Kept::closings`] when it was wanted.
    since: u64,
    /// Whether it waits for its turn, as it may find done what it is for. A change does not wait: it may itself have to
    /// wait for another process.
    in_turn: bool,
}

/// What a session is made of.
pub(super) struct Parts<F> {
    pub(super) file: F,
    /// Its master passphrase's place in the OS keyring.
    pub(super) account: Account,
    /// Where the master passphrase may be stored; none if the configuration leaves the keyring out.
    pub(super) os: Option<Arc<OsStore>>,
    pub(super) means: Arc<Means>,
    pub(super) offers: Arc<Offers>,
    pub(super) gate: Arc<Gate>,
    /// The master passphrase given on the command line.
    pub(super) given: Option<Secret>,
    /// Whether memory is such that passphrases of keys may be kept in it.
    pub(super) may_keep: fn() -> bool,
}

/// The file, open or closed.
pub(super) struct Session<F> {
    file: Arc<F>,
    account: Account,
    os: Option<Arc<OsStore>>,
    means: Arc<Means>,
    offers: Arc<Offers>,
    gate: Arc<Gate>,
    given: Slot,
    kept: Arc<Kept>,
    /// Held while the vault is opened with the master passphrase at hand, so that who waits finds it read.
    turn: tokio::sync::Mutex<()>,
    /// Held while the master passphrase is sought; inside, why the last search found none.
    search: tokio::sync::Mutex<Option<String>>,
    /// Searches ended so far.
    searches: AtomicU64,
}

impl<F: Protected> Session<F> {
    /// Closed; touches nothing yet.
    pub(super) fn new(parts: Parts<F>) -> Self {
        let Parts {
            file,
            account,
            os,
            means,
            offers,
            gate,
            given,
            may_keep,
        } = parts;
        Self {
            account,
            file: Arc::new(file),
            os,
            means,
            offers,
            gate,
            given: Slot::new(given),
            kept: Arc::new(Kept::new(may_keep)),
            turn: tokio::sync::Mutex::new(()),
            search: tokio::sync::Mutex::new(None),
            searches: AtomicU64::new(0),
        }
    }

    /// The file.
    pub(super) fn file(&self) -> &Arc<F> {
        &self.file
    }

    /// Whether the master passphrase is at hand.
    pub(super) fn is_open(&self) -> bool {
        self.kept.master().is_some()
    }

    /// Takes a master passphrase that is tried once, before any other.
    pub(super) fn give(&self, master: Secret) {
        self.given.set(master);
    }

    /// The master passphrase, if it is at hand.
    pub(super) fn master(&self) -> Option<Arc<Secret>> {
        self.kept.master()
    }

    /// Forgets all that was kept, and the master passphrase given on the command line.
    pub(super) fn close(&self) {
        self.kept.close();
        self.given.clear();
    }

    pub(super) fn job<T, J>(&self, in_turn: bool, work: J) -> Job<F, T>
    where
        J: Fn(&F, &[u8]) -> Result<T, VaultError> + Send + Sync + 'static,
    {
        Job {
            work: Arc::new(work),
            since: self.kept.closings(),
            in_turn,
        }
    }

    /// Does `job` with the master passphrase, which is sought if it is not at hand or no longer fits.
    pub(super) async fn run<T: Send + 'static>(&self, job: Job<F, T>) -> Result<T, SessionError> {
        loop {
            // Where nothing is kept of the file, another's opening is of no use to wait for.
            let turn = match job.in_turn && self.kept.keeps_contents() {
                true => Some(self.turn.lock().await),
                false => None,
            };
            if let Some(master) = self.kept.master() {
                if let Some(done) = self.fits(&master, &job).await? {
                    return Ok(done);
                }
                tracing::warn!(file = %self.file.path().display(), "its master passphrase was changed");
                self.kept.drop_all();
            }
            drop(turn);
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
    pub(super) async fn inspect(&self) -> Result<(), SessionError> {
        let file = self.file.clone();
        Ok(Gate::run_short(move || file.inspect()).await??)
    }

    /// Does `job` with `master`, which is kept if it fits; none if it does not.
    pub(super) async fn fits<T: Send + 'static>(
        &self,
        master: &Arc<Secret>,
        job: &Job<F, T>,
    ) -> Result<Option<T>, SessionError> {
        let (file, kept, master) = (self.file.clone(), self.kept.clone(), master.clone());
        let (work, since) = (job.work.clone(), job.since);
        let attempt = move || {
            let done = work(&file, &master);
            if done.is_ok() {
                kept.keep_master(master, since);
            }
            done
        };
        match self.gate.run(attempt).await? {
            Err(VaultError::WrongMaster) => Ok(None),
            other => Ok(Some(other?)),
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
