//! The files: read once, and again when one of them was written. Blocking.

use super::KnownHosts;
use claviger_platform::files::{self, FileError, Stamp};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Larger files are not read: half a million lines.
const MAX_BYTES: u64 = 64 << 20;

/// Where ssh looks if its configuration says nothing else (ssh_config(5), UserKnownHostsFile and GlobalKnownHostsFile).
pub fn usual(home: &Path) -> Vec<PathBuf> {
    let own = ["known_hosts", "known_hosts2"].map(|name| home.join(".ssh").join(name));
    let everyones = ["ssh_known_hosts", "ssh_known_hosts2"].map(|name| Path::new("/etc/ssh").join(name));
    own.into_iter().chain(everyones).collect()
}

/// Files, and what stood in them when they were last looked at.
pub struct Files {
    paths: Vec<PathBuf>,
    read: Mutex<Option<Read>>,
}

struct Read {
    stamps: Vec<Option<Stamp>>,
    known: Arc<KnownHosts>,
}

impl Files {
    /// Reads nothing yet.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            read: Mutex::new(None),
        }
    }

    /// What stands there now. Asks for the state of each file, and reads them if one has changed: 100,000 lines take
    /// a tenth of a second, in which others who ask wait for the same reading. A file that is not there says nothing;
    /// one that cannot be read is logged once for each change.
    pub fn current(&self) -> Arc<KnownHosts> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Before reading: what is written meanwhile shows as another change.
        let stamps: Vec<_> = self.paths.iter().map(|path| files::stamp(path)).collect();
        if let Some(read) = read.as_ref().filter(|read| read.stamps == stamps) {
            return Arc::clone(&read.known);
        }
        let texts: Vec<Vec<u8>> = self.paths.iter().map(|path| text(path)).collect();
        let known = Arc::new(KnownHosts::parse(texts.iter().map(Vec::as_slice)));
        tracing::debug!(
            bytes = texts.iter().map(Vec::len).sum::<usize>(),
            "known_hosts read"
        );
        *read = Some(Read {
            stamps,
            known: Arc::clone(&known),
        });
        known
    }
}

fn text(path: &Path) -> Vec<u8> {
    match files::read_public(path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(FileError::Missing { .. }) => Vec::new(),
        Err(error) => {
            tracing::warn!("names of hosts are not known: {error}");
            Vec::new()
        }
    }
}
