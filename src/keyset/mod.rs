//! The keys held: found as files or added by clients, listed sealed, opened at the first signature.
//!
//! [`Keyset`] is the room's front door. A key's facts ([`Held`]) are immutable and replaced at a new look; whether
//! it is open lives in a `Cell` that survives looks, so that touching a file never closes or
//! doubles a key. The list's answer is kept encoded and rebuilt only when the set changes: a list costs one
//! pointer copy, whatever the number of keys.

mod added;
mod cell;
mod database;
pub mod discover;
mod held;
mod lifetimes;
mod lock;
mod locking;
mod members;
mod notes;
mod opening;
mod remembered;
mod scan;
mod shield;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod token;

pub use added::{Authenticator, NewKey, Terms};
pub use discover::{Discovered, Found, discover};
pub use held::Held;
pub use notes::Notes;
pub use opening::OpenError;
pub use scan::Places;
pub use token::NewTokenKey;

use crate::key::OpenKey;
use crate::secret::Secret;
use crate::unlock::Unlocker;
use crate::wire::report::{KeyReport, Problem};
use held::{Openers, Origin};
use locking::Locking;
use members::Members;
use remembered::Remembered;
use scan::Scanner;
use snapshot::Snapshot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// Reads the configured places; an error is one sentence for the log and the client, and keeps the old places.
pub type ReadPlaces = Box<dyn Fn() -> Result<Places, String> + Send + Sync>;

/// The keys of one agent.
pub struct Keyset {
    members: Mutex<Members>,
    /// None after a change, until somebody wants to see the whole: a thousand keys added in a row cost one snapshot.
    snapshot: RwLock<Option<Arc<Snapshot>>>,
    scanner: Scanner,
    unlocker: Arc<Unlocker>,
    locking: Locking,
    remembered: Arc<Remembered>,
    opened: Notify,
    aged: Notify,
}

impl Keyset {
    /// Looks for keys in the configured places and starts watching them.
    ///
    /// # Errors
    /// Only when the places cannot be read at the start (later failures keep the last ones), or when the system has
    /// no randomness.
    pub async fn new(read_places: ReadPlaces, unlocker: Arc<Unlocker>) -> Result<Arc<Self>, String> {
        let notes = Notes::in_state(unlocker.state_dir());
        let set = Arc::new(Self {
            snapshot: RwLock::new(None),
            members: Mutex::new(Members::default()),
            scanner: Scanner::new(read_places, notes.clone())?,
            remembered: Arc::new(Remembered::load(notes)),
            unlocker,
            locking: Locking::new()?,
            opened: Notify::new(),
            aged: Notify::new(),
        });
        set.look().await;
        Ok(set)
    }

    /// The framed answer to a list request; `None` if not every client may see every key (then [`keys`](Self::keys)
    /// has what to choose from).
    pub async fn answer(&self) -> Option<Arc<[u8]>> {
        self.refresh().await;
        let snapshot = self.snapshot();
        (!snapshot.restricted).then(|| snapshot.answer.clone())
    }

    /// The key that `blob` (a public key or a certificate) names.
    pub fn find(&self, blob: &[u8]) -> Option<Arc<Held>> {
        if let Some(snapshot) = read(&self.snapshot).as_ref() {
            return snapshot.find(blob);
        }
        self.members().find(blob)
    }

    /// As [`find`](Self::find), after a look at what changed on disk when it is not there yet.
    pub async fn find_fresh(&self, blob: &[u8]) -> Option<Arc<Held>> {
        if let Some(held) = self.find(blob) {
            return self.renewed(held, blob).await;
        }
        self.refresh().await;
        if let Some(held) = self.find(blob) {
            return Some(held);
        }
        // An open database may have been given the key meanwhile.
        self.unlocker.databases().renew_all().await;
        self.take_databases();
        self.find(blob)
    }

    /// Opens a key: at once if it is open, else by one unlock that all who ask share.
    ///
    /// # Errors
    /// The reason, shared by all who waited.
    pub async fn open(&self, held: &Arc<Held>, now: Instant) -> Result<Arc<OpenKey>, Arc<OpenError>> {
        if let Some(key) = held.cell.used(now) {
            return Ok(key);
        }
        let shield = self.locking.shield().ok_or(OpenError::Locked)?;
        let openers = Openers {
            unlocker: self.unlocker.clone(),
            shield,
        };
        let opened = held.open(openers, now).await;
        self.opened_one();
        self.unless_locked(held, opened)
    }

    /// Opens a file's key with `passphrase` (from a client of ours).
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`](crate::key::KeyError) inside [`OpenError::Key`], or what is wrong with the file.
    pub async fn open_with(
        &self,
        held: &Held,
        passphrase: Secret,
        now: Instant,
    ) -> Result<(), Arc<OpenError>> {
        self.locking.shield().ok_or(OpenError::Locked)?;
        let opened = held.open_with(passphrase, now).await.map_err(Arc::new);
        self.opened_one();
        self.unless_locked(held, opened)
    }

    /// A key that was being opened while the agent was locked must not stay open.
    fn unless_locked<T>(&self, held: &Held, opened: Result<T, Arc<OpenError>>) -> Result<T, Arc<OpenError>> {
        if self.is_locked() {
            held.seal();
            return Err(OpenError::Locked.into());
        }
        opened
    }

    /// What a token knows the key by, for its helper; the use is noted.
    ///
    /// # Errors
    /// While the agent is locked.
    pub fn handle(&self, held: &Held) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let shield = self.locking.shield().ok_or(OpenError::Locked)?;
        let Origin::Added(fields) = &held.origin else {
            return Err(OpenError::Died);
        };
        held.cell.note_use();
        fields.open(&shield).ok_or(OpenError::Locked)
    }

    /// Adds a key, or replaces the one with the same blob at its place.
    ///
    /// # Errors
    /// While the agent is locked.
    pub fn add(&self, new: NewKey, now: Instant) -> Result<(), OpenError> {
        let shield = self.locking.shield().ok_or(OpenError::Locked)?;
        let sealed = shield.seal(&new.fields).map_err(|_| OpenError::Died)?;
        self.change(|members| {
            members.add(Held::added(new, sealed, now));
            // A lifetime of 0 is over before anybody can list the key.
            members.expire(now);
        });
        self.aged.notify_one();
        Ok(())
    }

    /// Removes the identity `blob`. A key file stays on disk: its key is sealed and no longer listed, until
    /// somebody asks for a new look. False if there is none.
    pub fn remove(&self, blob: &[u8]) -> bool {
        self.change(|members| members.remove(blob))
    }

    /// Removes every identity, as [`remove`](Self::remove) does.
    pub fn remove_all(&self) {
        self.change(Members::remove_all);
    }

    /// All keys, in listing order.
    pub fn keys(&self) -> Arc<[Arc<Held>]> {
        self.snapshot().keys.clone()
    }

    /// The keys for `claviger list`.
    pub async fn reports(&self) -> Vec<KeyReport> {
        self.refresh().await;
        self.keys().iter().map(|held| held.report()).collect()
    }

    /// The files that could not be listed.
    pub async fn problems(&self) -> Vec<Problem> {
        self.refresh().await;
        let mut problems = self.snapshot().problems.clone();
        problems.extend(self.scanner.weakness().map(|reason| Problem {
            path: String::from("file watcher"),
            reason,
        }));
        problems
    }

    /// Reads the places again and looks for keys now, also for those that a client removed.
    ///
    /// # Errors
    /// The configuration's error; keys are then looked for in the old places.
    pub async fn reload(&self) -> Result<(), String> {
        let places = self.scanner.reload().await;
        if let Ok(places) = &places {
            self.unlocker.databases().configure(places.databases.clone());
        }
        self.unlocker.databases().renew_all().await;
        self.members().restore();
        self.look().await;
        self.take_databases();
        places.map(drop)
    }

    /// Follows changes on disk: a look soon after they settle, so that a removed key's private half does not stay
    /// open until someone lists. Never returns.
    pub async fn follow_changes(&self) {
        loop {
            tokio::select! {
                () = self.scanner.due() => self.unlocker.databases().renew_all().await,
                () = self.unlocker.databases().changed() => {}
            }
            self.refresh().await;
        }
    }

    /// Looks at the disk again if something changed since the last look.
    pub async fn refresh(&self) {
        self.take_databases();
        if self.scanner.is_stale() {
            self.look().await;
        } else {
            self.scanner.settled().await;
        }
    }

    async fn look(&self) {
        self.scanner
            .look(|found| self.change(|members| members.found(found)))
            .await;
    }

    /// Changes the members and shows the change.
    fn change<T>(&self, change: impl FnOnce(&mut Members) -> T) -> T {
        let mut members = self.members();
        let result = change(&mut members);
        *write(&self.snapshot) = None;
        result
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        if let Some(snapshot) = read(&self.snapshot).as_ref() {
            return snapshot.clone();
        }
        // Under the members' lock, so that no change in between is overwritten with what was before it.
        let members = self.members();
        let snapshot = Arc::new(members.snapshot());
        *write(&self.snapshot) = Some(snapshot.clone());
        snapshot
    }
}

/// A poisoned lock only means that a reader panicked; the value is replaced whole, so it is never half-changed.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
