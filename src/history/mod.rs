//! What was learnt: which key worked on which host, for which user, when; and which keys a host was offered in vain. One
//! SQLite file in the state directory.
//! A use is written when a key was used for a login that the server had agreed to, and never on a client's word: the
//! session behind it was proven by the server's own signature. What is learnt orders and finds keys; it never
//! authorises. A host is its key's fingerprint, a key is its fingerprint; names of hosts are kept only as far as the
//! person's known_hosts has them in clear. Nothing secret.
//! An agent keeps all of it in memory, so that asking costs no I/O, and writes on a thread of its own. A file that is
//! damaged is set aside and begun anew: a login must not fail because a memory is lost.

mod known;
mod memory;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use known::{AtHost, Overall, Tried, Use, Vain, View};

use memory::Memory;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::{Change, Store};
use writer::Writer;

/// Most uses (host, key, user, path) that are kept; the ones that were not used for longest go first.
pub const MOST: usize = 20_000;
/// Most (host, key) pairs of offers in vain; the hosts that were tried longest ago go first.
pub const MOST_TRIED: usize = 20_000;
/// Users and paths are cut here.
const MOST_TEXT: usize = 256;

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

/// A login that a server agreed to.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// Fingerprint of the host key.
    pub host: &'a str,
    /// Of the authority that certified it.
    pub authority: Option<&'a str>,
    /// The host's names, as known_hosts has them in clear.
    pub names: &'a [String],
    /// Fingerprint of the key.
    pub key: &'a str,
    /// On the server.
    pub user: &'a str,
    /// The repository that the client said it wants; empty if none.
    pub path: &'a str,
}

/// The history of one home.
pub struct History {
    memory: Mutex<Memory>,
    /// None while nothing is kept on disk.
    writer: Option<Writer>,
}

impl History {
    /// Opens or makes `file`. The text tells of a damaged one that was set aside.
    ///
    /// # Errors
    /// When the file cannot be had at all, or a later version wrote it.
    pub fn open(file: &Path) -> Result<(Self, Option<String>), HistoryError> {
        let (store, memory, warning) = Store::open(file)?;
        let history = Self {
            memory: Mutex::new(memory),
            writer: Some(Writer::new(store)),
        };
        Ok((history, warning))
    }

    /// Keeps nothing beyond its own life (`history.keep = false`).
    pub fn in_memory() -> Self {
        Self {
            memory: Mutex::default(),
            writer: None,
        }
    }

    /// Notes a login that worked, at `now` (seconds since the epoch). Fingerprints are "SHA256:…".
    pub fn worked(&self, login: &Login<'_>, now: u64) {
        let new = Use {
            host: login.host.to_owned(),
            authority: login.authority.unwrap_or_default().to_owned(),
            key: login.key.to_owned(),
            user: cut(login.user),
            path: cut(login.path),
            first: now,
            last: now,
            times: 1,
            misses: 0,
        };
        let (noted, surplus) = {
            let mut memory = self.memory();
            (memory.note(new, login.names), memory.shrink(MOST, MOST_TRIED))
        };
        self.write(Change::Worked(noted));
        self.write(Change::Drop(surplus));
    }

    /// Notes that `host` was offered `keys` (all fingerprints) and none was asked for.
    pub fn unanswered(&self, host: &str, keys: &[&str], vain: Vain<'_>, now: u64) {
        let (passed, surplus) = {
            let mut memory = self.memory();
            let passed = memory.pass(host, keys, vain, now);
            (passed, memory.shrink(MOST, MOST_TRIED))
        };
        self.write(Change::Passed {
            host: host.to_owned(),
            passed,
        });
        self.write(Change::Drop(surplus));
    }

    /// Notes that `keys` were offered to `host` before the one that it took, for `user`.
    pub fn passed_over(&self, host: &str, keys: &[&str], user: &str) {
        let missed = self.memory().pass_over(host, keys, user);
        self.write(Change::Missed(missed));
    }

    /// Every use, latest first.
    pub fn uses(&self) -> Vec<Use> {
        self.memory().uses()
    }

    /// To ask what is known.
    pub fn view(&self) -> View<'_> {
        View(self.memory())
    }

    /// Forgets one host, or everything (`None`), in memory and in the file, so that nothing readable is left. Blocking.
    ///
    /// # Errors
    /// SQLite's.
    pub fn forget(&self, host: Option<&str>) -> Result<usize, HistoryError> {
        let forgotten = self.memory().forget(host);
        if let Some(writer) = &self.writer {
            writer.forget(host)?;
        }
        Ok(forgotten)
    }

    /// Waits until all is written. Blocking.
    pub fn settle(&self) {
        if let Some(writer) = &self.writer {
            writer.settle();
        }
    }

    fn write(&self, change: Change) {
        if let Some(writer) = self.writer.as_ref().filter(|_| !change.is_empty()) {
            writer.write(change);
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}
