//! Public halves that no file tells in clear, noted in the state directory so that a list has them before anything is
//! opened: of the keys in KeePass databases, and of key files that hold theirs encrypted, by the file's SHA-256 digest. Beside
//! them, for which hosts a person said that a key is (`claviger add --for`).
//!
//! The note holds nothing secret; losing it costs one opening of each. What cannot be read in it is passed over. It is
//! written whole or not at all, under a lock between processes, and only when something changed.

use super::remembered::Database;
use crate::key::{PublicHalf, authorized_line};
use aws_lc_rs::digest::{SHA256, digest};
use base64ct::{Base64, Encoding};
use claviger_platform::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FILE: &str = "remembered.json";
/// Far above what thousands of keys need.
const MAX_SIZE: u64 = 16 << 20;
/// Key files that are remembered; the oldest makes room.
const MOST_FILES: usize = 1000;
/// Another process writes some kilobytes.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The notes of one state directory.
#[derive(Clone)]
pub struct Notes {
    file: PathBuf,
}

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Note {
    pub(super) databases: Vec<Database>,
    files: Vec<KeyFile>,
    /// By the key's fingerprint.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meant: BTreeMap<String, Vec<String>>,
}

/// A key file that was opened once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeyFile {
    /// Digest of the file, as base64 text.
    sha256: String,
    /// The line that its `.pub` would hold.
    public: String,
}

impl Notes {
    /// Those in the directory `state`; nothing is read yet.
    pub fn in_state(state: &Path) -> Self {
        Self {
            file: state.join(FILE),
        }
    }

    /// What the `.pub` of a key file with this content would hold, if it was opened once.
    pub fn public_of(&self, file: &[u8]) -> Option<Vec<u8>> {
        let sha256 = hashed(file);
        let known = self.read().files.into_iter().find(|known| known.sha256 == sha256);
        Some(known?.public.into_bytes())
    }

    /// Remembers the public half of a key file with this content.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn remember(&self, file: &[u8], public: &PublicHalf, comment: &[u8]) -> Result<(), FileError> {
        let known = KeyFile {
            sha256: hashed(file),
            public: String::from_utf8_lossy(&authorized_line(&public.blob, comment)).into_owned(),
        };
        self.change(|note| {
            note.files.retain(|other| other.sha256 != known.sha256);
            note.files.push(known);
            let surplus = note.files.len().saturating_sub(MOST_FILES);
            note.files.drain(..surplus);
        })
    }

    /// The hosts that keys are meant for, by the keys' fingerprints.
    pub fn meant(&self) -> BTreeMap<String, Vec<String>> {
        self.read().meant
    }

    /// Notes that a key is meant for these hosts too.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn mean(&self, fingerprint: &str, hosts: &[String]) -> Result<(), FileError> {
        self.change(|note| {
            let meant = note.meant.entry(fingerprint.to_owned()).or_default();
            meant.retain(|host| !hosts.contains(host));
            meant.extend_from_slice(hosts);
        })
    }

    /// Forgets what a key is meant for.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn mean_nothing(&self, fingerprint: &str) -> Result<(), FileError> {
        self.change(|note| {
            note.meant.remove(fingerprint);
        })
    }

    pub(super) fn read(&self) -> Note {
        match files::read_public(&self.file, MAX_SIZE) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(file = %self.file.display(), %error, "not understood; it will be made anew");
                Note::default()
            }),
            Err(FileError::Missing { .. }) => Note::default(),
            Err(error) => {
                tracing::warn!(%error, "public halves of keys were not read");
                Note::default()
            }
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Note)) -> Result<(), FileError> {
        if let Some(directory) = self.file.parent() {
            files::private_dir(directory)?;
        }
        let _lock = files::lock(&self.file, LOCK_WAIT)?;
        let old = self.read();
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Ok(());
        }
        // Strings, numbers and lists only: there is nothing in it that JSON could not hold.
        files::write_atomic(&self.file, &serde_json::to_vec(&new).unwrap_or_default())
    }
}

fn hashed(file: &[u8]) -> String {
    Base64::encode_string(digest(&SHA256, file).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn public() -> PublicHalf {
        let blob = crate::key::blob_of_line(LINE.as_bytes()).unwrap();
        PublicHalf::parse(&blob).unwrap()
    }

    #[test]
    fn a_file_is_known_by_its_content() {
        let state = tempfile::tempdir().unwrap();
        let notes = Notes::in_state(&state.path().join("made"));
        assert_eq!(notes.public_of(b"one"), None);
        notes.remember(b"one", &public(), b"me").unwrap();
        notes.remember(b"two", &public(), b"").unwrap();
        assert_eq!(notes.public_of(b"one").unwrap(), format!("{LINE} me").as_bytes());
        assert_eq!(notes.public_of(b"two").unwrap(), LINE.as_bytes());
        assert_eq!(notes.public_of(b"three"), None);
    }

    #[test]
    fn a_key_is_meant_for_hosts_until_that_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let notes = Notes::in_state(state.path());
        let hosts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        notes.mean("SHA256:a", &hosts(&["one", "two"])).unwrap();
        notes.mean("SHA256:a", &hosts(&["two", "three"])).unwrap();
        assert_eq!(notes.meant()["SHA256:a"], ["one", "two", "three"]);
        notes.mean_nothing("SHA256:a").unwrap();
        assert!(notes.meant().is_empty());
    }

    #[test]
    fn a_note_that_is_damaged_is_made_anew() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join(FILE), "{\"files\": [{").unwrap();
        let notes = Notes::in_state(state.path());
        assert_eq!(notes.public_of(b"one"), None);
        notes.remember(b"one", &public(), b"").unwrap();
        assert!(notes.public_of(b"one").is_some());
    }
}
