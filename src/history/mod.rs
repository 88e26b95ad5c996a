//! What was learnt: which key worked on which host, for which user, when. One SQLite file in the state directory.
//!
//! It is written when a key was used for a login that the server had agreed to, and never on a client's word: the
//! session behind it was proven by the server's own signature. What is learnt orders and finds keys; it never
//! authorises. A host is its key's fingerprint, a key is its fingerprint: no names of hosts, nothing secret.
//!
//! An agent keeps all of it in memory, so that asking costs no I/O, and writes on a blocking thread. A file that is
//! damaged is set aside and begun anew: a login must not fail because a memory is lost.

mod memory;
mod store;
#[cfg(test)]
mod tests;

pub use memory::Use;

use memory::Memory;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;

/// Most (host, key, user) triples that are kept; the ones that were not used for longest go first.
pub const MOST: usize = 20_000;

/// Why the history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The directory or file.
    #[error(transparent)]
    File(#[from] claviger_platform::files::FileError),
    /// SQLite's own.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Written by a later version.
    #[error("{}: written by a later version of claviger (schema {found}); update claviger, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: u32,
    },
}

/// The history of one home.
pub struct History {
    memory: Mutex<Memory>,
    /// None while nothing is kept.
    store: Option<Arc<Mutex<Store>>>,
}

impl History {
    /// Opens or makes `file`. The text tells of a damaged one that was set aside.
    ///
    /// # Errors
    /// When the file cannot be had at all, or a later version wrote it.
    pub fn open(file: &Path) -> Result<(Self, Option<String>), HistoryError> {
        let (store, uses, warning) = Store::open(file)?;
        let history = Self {
            memory: Mutex::new(Memory::of(uses)),
            store: Some(Arc::new(Mutex::new(store))),
        };
        Ok((history, warning))
    }

    /// Keeps nothing (`history.keep = false`, and the drop-in for ssh-agent).
    pub fn none() -> Self {
        Self {
            memory: Mutex::default(),
            store: None,
        }
    }

    /// Notes that the server with the host key `host` let `user` in with `key`, at `now` (seconds since the epoch). Both are
    /// "SHA256:…" fingerprints. The writing happens on a blocking thread: needs a tokio runtime.
    pub fn worked(&self, host: &str, key: &str, user: &str, now: u64) {
        let Some(store) = self.store.clone() else {
            return;
        };
        let noted = self.memory().note(host, key, user, now);
        let surplus = self.memory().shrink(MOST);
        tokio::task::spawn_blocking(move || {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = store.write(&noted, &surplus) {
                tracing::warn!("what was learnt is not kept: {error}");
            }
        });
    }

    /// Every use, latest first.
    pub fn uses(&self) -> Vec<Use> {
        self.memory().uses()
    }

    /// Forgets one host, or everything (`None`), in memory and in the file, so that nothing readable is left.
    ///
    /// # Errors
    /// SQLite's.
    pub fn forget(&self, host: Option<&str>) -> Result<usize, HistoryError> {
        let forgotten = self.memory().forget(host);
        if let Some(store) = &self.store {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            store.forget(host)?;
        }
        Ok(forgotten)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
