//! The keys held: found as files, listed sealed from their public half, opened at the first signature.
//!
//! [`Keyset`] is the room's front door. A key's facts ([`Held`]) are immutable and replaced at a re-scan; whether
//! it is open lives in a `Cell` that survives re-scans, so that touching a file never closes or
//! doubles a key. The list's answer is kept encoded and rebuilt only when the set changes: a list costs one
//! pointer copy, whatever the number of keys.

pub mod discover;
mod held;
mod snapshot;
#[cfg(test)]
mod tests;

pub use discover::{Discovered, Found, discover};
pub use held::{Held, OpenError};

use crate::key::OpenKey;
use crate::unlock::Unlocker;
use crate::wire::report::{KeyReport, Problem};
use claviger_platform::harden;
use claviger_platform::watch::Watcher;
use snapshot::Snapshot;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, Notify};

/// How long the watcher's events are gathered before a re-scan that nobody waits for.
const SETTLE: Duration = Duration::from_millis(200);
/// Without a watcher, how old a scan may be when a list is asked for.
const STALE: Duration = Duration::from_secs(2);

/// Where keys are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Directories whose entries are looked at.
    pub dirs: Vec<PathBuf>,
    /// Single files.
    pub files: Vec<PathBuf>,
}

/// Reads the configured places; an error is one sentence for the log and the client, and keeps the old places.
pub type ReadPlaces = Box<dyn Fn() -> Result<Places, String> + Send + Sync>;

/// The keys of one agent.
pub struct Keyset {
    snapshot: RwLock<Arc<Snapshot>>,
    scan: Mutex<Scan>,
    watch: RwLock<Watch>,
    read_places: ReadPlaces,
    unlocker: Arc<Unlocker>,
    opened: Notify,
}

struct Scan {
    places: Places,
}

/// What tells that a scan is out of date.
enum Watch {
    Events(Arc<Watcher>),
    /// No watcher could be had (inotify's limits): the scan's age decides.
    Age {
        scanned: Instant,
        reason: String,
    },
}

impl Keyset {
    /// Looks for keys in the configured places and starts watching them.
    ///
    /// # Errors
    /// Only when the places cannot be read at the start; later failures keep the last ones.
    pub async fn new(read_places: ReadPlaces, unlocker: Arc<Unlocker>) -> Result<Arc<Self>, String> {
        let places = read_places()?;
        let set = Arc::new(Self {
            snapshot: RwLock::new(Arc::new(Snapshot::default())),
            watch: RwLock::new(Watch::start(&places)),
            scan: Mutex::new(Scan { places }),
            read_places,
            unlocker,
            opened: Notify::new(),
        });
        set.rescan().await;
        Ok(set)
    }

    /// The framed answer to a list request.
    pub async fn answer(&self) -> Arc<[u8]> {
        self.refresh().await;
        self.snapshot().answer.clone()
    }

    /// The key that `blob` (a public key or a certificate) names.
    pub fn find(&self, blob: &[u8]) -> Option<Arc<Held>> {
        self.snapshot().find(blob)
    }

    /// As [`find`](Self::find), after a look at what changed on disk when it is not there yet.
    pub async fn find_fresh(&self, blob: &[u8]) -> Option<Arc<Held>> {
        if let Some(held) = self.find(blob) {
            return Some(held);
        }
        self.refresh().await;
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
        let opened = held.open(&self.unlocker, now).await;
        self.opened_one();
        opened
    }

    /// Tells the idle timer that there may be something to seal.
    pub fn opened_one(&self) {
        self.opened.notify_one();
    }

    /// Seals every open key; returns how many there were. What is being opened meanwhile is not kept.
    pub fn seal_all(&self) -> usize {
        self.snapshot()
            .keys
            .iter()
            .filter(|held| held.cell.seal())
            .count()
    }

    /// Seals the keys that were not used for `idle`; returns when the next one is due.
    pub fn seal_idle(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let keys = self.snapshot().keys.clone();
        keys.iter()
            .filter_map(|held| held.cell.seal_if_idle(now, idle))
            .min()
    }

    /// Waits until some key was opened.
    pub async fn key_opened(&self) {
        self.opened.notified().await;
    }

    /// All keys, in listing order.
    pub fn keys(&self) -> Arc<[Arc<Held>]> {
        self.snapshot().keys.clone()
    }

    /// The keys for `claviger list`.
    pub async fn reports(&self) -> Vec<KeyReport> {
        self.refresh().await;
        self.snapshot().keys.iter().map(|held| held.report()).collect()
    }

    /// The files that could not be listed.
    pub async fn problems(&self) -> Vec<Problem> {
        self.refresh().await;
        let mut problems = self.snapshot().problems.clone();
        if let Some(reason) = self.watch_failure() {
            problems.push(Problem {
                path: String::from("file watcher"),
                reason: format!("{reason}; keys are looked for again every {} s", STALE.as_secs()),
            });
        }
        problems
    }

    /// Reads the places again and looks for keys now.
    ///
    /// # Errors
    /// The configuration's error; keys are then looked for in the old places.
    pub async fn reload(&self) -> Result<(), String> {
        let places = (self.read_places)();
        if let Ok(new) = &places {
            let mut scan = self.scan.lock().await;
            if scan.places != *new {
                scan.places = new.clone();
                *write(&self.watch) = Watch::start(new);
            }
        }
        self.rescan().await;
        places.map(|_| ())
    }

    /// Follows the watcher: a re-scan soon after changes settle, so that a removed key's private half does not
    /// stay open until someone lists. Never returns.
    pub async fn follow_changes(&self) {
        loop {
            let watcher = match &*read(&self.watch) {
                Watch::Events(watcher) => Some(watcher.clone()),
                Watch::Age { .. } => None,
            };
            match watcher {
                Some(watcher) => {
                    watcher.changed().await;
                    tokio::time::sleep(SETTLE).await;
                }
                None => tokio::time::sleep(STALE).await,
            }
            self.refresh().await;
        }
    }

    /// Looks at the disk again if something changed since the last look.
    pub async fn refresh(&self) {
        let stale = match &*read(&self.watch) {
            Watch::Events(watcher) => watcher.take_changed(),
            Watch::Age { scanned, .. } => scanned.elapsed() >= STALE,
        };
        if stale {
            self.rescan().await;
        }
    }

    async fn rescan(&self) {
        let scan = self.scan.lock().await;
        let places = scan.places.clone();
        let search = move || {
            let found = discover(&places.dirs, &places.files);
            // A file without a passphrase is read as it is, private half and all.
            harden::scrub_stack();
            found
        };
        let found = tokio::task::spawn_blocking(search).await;
        let Ok(found) = found else {
            tracing::error!("the search for keys failed; the last list stays");
            return;
        };
        let old = self.snapshot();
        let new = Snapshot::build(found, &old);
        for problem in new
            .problems
            .iter()
            .filter(|new| !old.problems.iter().any(|old| old == *new))
        {
            tracing::warn!(path = %problem.path, "{}", problem.reason);
        }
        *write(&self.snapshot) = Arc::new(new);
        if let Watch::Age { scanned, .. } = &mut *write(&self.watch) {
            *scanned = Instant::now();
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        read(&self.snapshot).clone()
    }

    fn watch_failure(&self) -> Option<String> {
        match &*read(&self.watch) {
            Watch::Events(_) => None,
            Watch::Age { reason, .. } => Some(reason.clone()),
        }
    }
}

impl Watch {
    fn start(places: &Places) -> Self {
        let paths: Vec<PathBuf> = places.dirs.iter().chain(&places.files).cloned().collect();
        match Watcher::new(&paths) {
            Ok(watcher) => Self::Events(watcher),
            Err(reason) => {
                tracing::warn!("no file watcher: {reason}");
                Self::Age {
                    scanned: Instant::now(),
                    reason,
                }
            }
        }
    }
}

/// A poisoned lock only means that a reader panicked; the value is replaced whole, so it is never half-changed.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
