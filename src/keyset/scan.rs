//! When and where keys are looked for: the configured places, the watcher, and the last look's age without one.

use super::discover::{Discovered, discover};
use super::{Notes, ReadPlaces, read, write};
use crate::config::Kdbx;
use crate::key::KdfLimits;
use claviger_platform::harden;
use claviger_platform::watch::Watcher;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long the watcher's events are gathered before a look that nobody waits for.
const SETTLE: Duration = Duration::from_millis(200);
/// Without a watcher, how old a look may be when a list is asked for.
const STALE: Duration = Duration::from_secs(2);

/// Where keys are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Directories whose entries are looked at.
    pub dirs: Vec<PathBuf>,
    /// Single files.
    pub files: Vec<PathBuf>,
    /// KeePass databases.
    pub databases: Vec<Kdbx>,
    /// What opening a key file may cost.
    pub limits: KdfLimits,
}

/// Looks for keys.
pub(super) struct Scanner {
    read_places: ReadPlaces,
    notes: Notes,
    /// Held during a look, so that there is one at a time.
    places: Mutex<Places>,
    watch: RwLock<Watch>,
}

/// What tells that the last look is out of date.
enum Watch {
    Events(Arc<Watcher>),
    /// No watcher could be had (inotify's limits): the look's age decides.
    Age {
        looked: Instant,
        reason: String,
    },
}

impl Scanner {
    pub(super) fn new(read_places: ReadPlaces, notes: Notes) -> Result<Self, String> {
        let places = read_places()?;
        Ok(Self {
            read_places,
            notes,
            watch: RwLock::new(Watch::start(&places)),
            places: Mutex::new(places),
        })
    }

    /// True once after each change.
    pub(super) fn is_stale(&self) -> bool {
        match &*read(&self.watch) {
            Watch::Events(watcher) => watcher.take_changed(),
            Watch::Age { looked, .. } => looked.elapsed() >= STALE,
        }
    }

    /// Waits for the look that is under way, if there is one: what it finds is newer than what is known.
    pub(super) async fn settled(&self) {
        if self.is_looking() {
            let _looked = self.places.lock().await;
        }
    }

    /// Whether a look is under way.
    pub(super) fn is_looking(&self) -> bool {
        self.places.try_lock().is_err()
    }

    /// Waits until a look is due that nobody asked for.
    pub(super) async fn due(&self) {
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
    }

    /// Reads the configuration's places again; an error keeps the old ones.
    pub(super) async fn reload(&self) -> Result<Places, String> {
        let new = (self.read_places)()?;
        let mut places = self.places.lock().await;
        if *places != new {
            *write(&self.watch) = Watch::start(&new);
            *places = new;
        }
        Ok(places.clone())
    }

    /// Looks now and hands what was found to `take`, before the next look can begin.
    pub(super) async fn look(&self, take: impl FnOnce(Discovered)) {
        let places = self.places.lock().await;
        let Places {
            dirs, files, limits, ..
        } = places.clone();
        let notes = self.notes.clone();
        // A file without a passphrase is read as it is, private half and all.
        let search = move || harden::scrubbed(|| discover(&limits, &dirs, &files, &notes));
        match tokio::task::spawn_blocking(search).await {
            Ok(found) => take(found),
            Err(_) => tracing::error!("the search for keys failed; the last list stays"),
        }
        if let Watch::Age { looked, .. } = &mut *write(&self.watch) {
            *looked = Instant::now();
        }
    }

    /// Why there is no watcher, and what that means.
    pub(super) fn weakness(&self) -> Option<String> {
        match &*read(&self.watch) {
            Watch::Events(_) => None,
            Watch::Age { reason, .. } => Some(format!(
                "{reason}; keys are looked for again every {} s",
                STALE.as_secs()
            )),
        }
    }
}

impl Watch {
    fn start(places: &Places) -> Self {
        let databases = places.databases.iter().map(|database| &database.path);
        let paths = places.dirs.iter().chain(&places.files).chain(databases);
        let paths: Vec<PathBuf> = paths.cloned().collect();
        match Watcher::new(&paths) {
            Ok(watcher) => Self::Events(watcher),
            Err(reason) => {
                tracing::warn!("no file watcher: {reason}");
                Self::Age {
                    looked: Instant::now(),
                    reason,
                }
            }
        }
    }
}
