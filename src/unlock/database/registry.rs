//! The configured databases together.

use super::file::Database;
use super::known::Known;
use super::listing::Listing;
use super::source::Surroundings;
use crate::config::Kdbx;
use crate::key::{KdfLimits, OpenKey};
use crate::secret::Secret;
use crate::unlock::gate::Gate;
use crate::unlock::offer::Offers;
use crate::unlock::os::{Account, OsStore};
use crate::unlock::session::{Parts, Session};
use crate::unlock::{UnlockError, Wanted};
use crate::wire::report::SourceReport;
use claviger_platform::dirs;
use claviger_platform::prompt::Means;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a drive may take to say whether a file is there.
const GLANCE: Duration = Duration::from_secs(1);

/// What the sessions of all databases share.
pub(in crate::unlock) struct Given {
    pub(in crate::unlock) os: Option<Arc<OsStore>>,
    pub(in crate::unlock) means: Arc<Means>,
    pub(in crate::unlock) offers: Arc<Offers>,
    pub(in crate::unlock) gate: Arc<Gate>,
    pub(in crate::unlock) home: PathBuf,
    pub(in crate::unlock) limits: KdfLimits,
}

/// The KeePass databases of the configuration.
pub struct Databases {
    given: Given,
    known: RwLock<Vec<Arc<Known>>>,
    /// Whether some listing changed since somebody took note.
    changed: AtomicBool,
    waiting: Notify,
}

/// A database as its keys' holder sees it.
pub struct DatabaseView {
    /// Its table.
    pub table: Kdbx,
    /// What it told when it was last read in this agent's life.
    pub listing: Option<Arc<Listing>>,
    /// When it was opened; none while it is closed.
    pub opened: Option<Instant>,
}

impl Databases {
    /// All closed.
    pub(in crate::unlock) fn new(given: Given, tables: Vec<Kdbx>) -> Self {
        let known = tables.into_iter().map(|table| given.known(table));
        Self {
            known: RwLock::new(known.collect()),
            given,
            changed: AtomicBool::new(true),
            waiting: Notify::new(),
        }
    }

    /// Takes the first one's master password, to be tried once when it is opened.
    pub fn give(&self, master: Secret) {
        if let Some(known) = self.known().first() {
            known.session.give(master);
        }
    }

    /// Takes over another configuration; databases that are in both stay open.
    pub fn configure(&self, tables: Vec<Kdbx>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *known);
        let same = |table: &Kdbx| old.iter().find(|known| known.session.file().table == *table);
        *known = tables
            .into_iter()
            .map(|table| match same(&table) {
                Some(known) => known.clone(),
                None => self.given.known(table),
            })
            .collect();
        drop(known);
        self.note(true);
    }

    /// Each database, in the order of the configuration.
    pub fn views(&self) -> Vec<DatabaseView> {
        let view = |known: &Arc<Known>| {
            let (listing, opened) = known.listing();
            DatabaseView {
                table: known.session.file().table.clone(),
                listing,
                opened,
            }
        };
        self.known().iter().map(view).collect()
    }

    /// True once after each change of a listing. Cheap.
    pub fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }

    /// Waits until a listing changed; does not take note of it.
    pub async fn changed(&self) {
        let change = self.waiting.notified();
        if !self.changed.load(Ordering::Acquire) {
            change.await;
        }
    }

    /// The database that `name` means: its path, or its file name if only one has it.
    pub fn named(&self, name: &str) -> Option<PathBuf> {
        let known = self.known();
        let by_path = known.iter().find(|known| known.path() == Path::new(name));
        let mut by_name = known
            .iter()
            .filter(|known| known.path().file_name().is_some_and(|file| file == name));
        let found = match (by_path, by_name.next(), by_name.next()) {
            (Some(known), ..) | (None, Some(known), None) => known,
            _ => return None,
        };
        Some(found.path().to_owned())
    }

    /// Opens the database at `path`, with `master` or by its sources (key file, OS keyring, prompt).
    ///
    /// # Errors
    /// Why it stays closed.
    pub async fn open(&self, path: &Path, master: Option<Secret>) -> Result<(), UnlockError> {
        let changed = self.of(path)?.open(master).await?;
        self.note(changed);
        Ok(())
    }

    /// Opens the key with the public blob `blob` of an entry; the database too, if it is closed.
    ///
    /// # Errors
    /// Why there is no key: the database stays closed, or the entry has no such key any more.
    pub async fn open_key(&self, path: &Path, entry: &str, blob: &[u8]) -> Result<OpenKey, UnlockError> {
        let (key, changed) = self.of(path)?.open_key(entry.to_owned(), blob.to_vec()).await;
        self.note(changed);
        key
    }

    /// Reads the open database at `path` again if its file was changed; asks nobody. True if its keys changed.
    pub async fn renew(&self, path: &Path) -> bool {
        let Ok(known) = self.of(path) else { return false };
        let changed = known.renew().await;
        self.note(changed);
        changed
    }

    /// As [`renew`](Self::renew), of all.
    pub async fn renew_all(&self) {
        for known in self.known() {
            let changed = known.renew().await;
            self.note(changed);
        }
    }

    /// What may open the key file `wanted`, database by database; errors are why one could not be asked.
    pub(in crate::unlock) async fn passphrases(&self, wanted: &Wanted, number: usize) -> Option<Asked> {
        let known = self.known().get(number)?.clone();
        let (found, changed) = known.passphrases(wanted).await;
        self.note(changed);
        Some(Asked {
            path: known.path().to_owned(),
            found,
        })
    }

    /// Closes all: their master passwords are forgotten.
    pub fn close(&self) {
        let closed = self.known().iter().filter(|known| known.close()).count();
        self.note(closed > 0);
    }

    /// Closes the database at `path`: its master password is forgotten. False if no such database is configured.
    pub fn close_one(&self, path: &Path) -> bool {
        let Ok(known) = self.of(path) else { return false };
        let closed = known.close();
        self.note(closed);
        true
    }

    /// Each one's state. Bounded, and never prompts.
    pub(in crate::unlock) async fn report(&self) -> Vec<SourceReport> {
        let mut reports = Vec::new();
        for known in self.known() {
            let path = known.path().to_owned();
            let mut detail = path.display().to_string();
            let there = tokio::task::spawn_blocking(move || path.exists());
            let there = tokio::time::timeout(GLANCE, there).await;
            let state = match (known.session.is_open(), there) {
                (true, _) => "ready",
                (false, Ok(Ok(true))) => "closed",
                (false, Ok(_)) => "absent",
                (false, Err(_)) => "skipped",
            };
            if let Some(failure) = known.failure() {
                detail = format!("{detail}; last: {failure}");
            }
            reports.push(SourceReport {
                source: "kdbx".to_owned(),
                state: state.to_owned(),
                detail,
            });
        }
        reports
    }

    fn note(&self, changed: bool) {
        if changed {
            self.changed.store(true, Ordering::Release);
            self.waiting.notify_waiters();
        }
    }

    fn of(&self, path: &Path) -> Result<Arc<Known>, UnlockError> {
        let found = self.known().into_iter().find(|known| known.path() == path);
        found.ok_or_else(|| UnlockError::Database {
            path: path.to_owned(),
            reason: "no longer configured".to_owned(),
        })
    }

    fn known(&self) -> Vec<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a database has for a key file.
pub(in crate::unlock) struct Asked {
    pub(in crate::unlock) path: PathBuf,
    pub(in crate::unlock) found: Result<Vec<Secret>, UnlockError>,
}

impl Given {
    fn known(&self, table: Kdbx) -> Arc<Known> {
        let account = Account::of_database(&table.path);
        let file = Database {
            table,
            surroundings: Surroundings {
                home: self.home.clone(),
                variable: dirs::variable,
            },
            limits: self.limits,
        };
        Arc::new(Known::new(Session::new(Parts {
            file,
            account,
            os: self.os.clone(),
            means: self.means.clone(),
            offers: self.offers.clone(),
            gate: self.gate.clone(),
            given: None,
            // Nothing of a database is kept but its master password.
            may_keep: || false,
        })))
    }
}
