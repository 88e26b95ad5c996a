//! Public halves that no file tells in clear, noted in the state directory so that a list has them before anything is
//! opened: of the keys in KeePass databases, and of key files that hold theirs encrypted.
//!
//! The note holds nothing secret: public keys, certificates, comments and terms, with a database's path and an entry's
//! UUID and title, or a file's SHA-256 digest. Losing it costs one opening of each. What cannot be read in it is passed
//! over; it is written whole or not at all, and only when something changed.

use crate::key::{CertificateFile, PublicHalf};
use crate::unlock::{ListedKey, Listing};
use crate::wire::{Destination, Hop};
use base64ct::{Base64, Encoding};
use claviger_platform::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const FILE: &str = "remembered.json";
/// Far above what thousands of keys need.
const MAX_SIZE: u64 = 16 << 20;
/// Another process writes some kilobytes.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// What is remembered.
pub(super) struct Remembered {
    file: PathBuf,
    /// As it is in the file, as far as this process knows.
    known: Arc<Mutex<Note>>,
}

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Note {
    databases: Vec<Database>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Database {
    path: PathBuf,
    keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    entry: String,
    title: String,
    public: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<(Blob, Blob)>,
    comment: Blob,
    format: String,
    protected: bool,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    lifetime: Option<u64>,
    #[serde(default)]
    destinations: Vec<(Host, Host)>,
    #[serde(default)]
    file: Option<PathBuf>,
}

/// A host of a destination: user, name, keys.
type Host = (Blob, Blob, Vec<(Blob, bool)>);

/// Bytes, as base64 text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Blob(Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Base64::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Base64::decode_vec(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Remembered {
    /// Reads the note in the directory `state`.
    pub(super) fn load(state: &Path) -> Self {
        let file = state.join(FILE);
        let note = read(&file);
        Self {
            known: Arc::new(Mutex::new(note)),
            file,
        }
    }

    /// What is remembered of the database at `path`.
    pub(super) fn of(&self, path: &Path) -> Arc<Listing> {
        let note = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let database = note.databases.iter().find(|database| database.path == path);
        let keys = database.into_iter().flat_map(|database| &database.keys);
        Arc::new(Listing {
            keys: keys.filter_map(Key::listed).collect(),
            problems: Vec::new(),
        })
    }

    /// Remembers these databases and no others. Written in the background: a list does not wait for a disk.
    pub(super) fn keep(&self, listings: Vec<(PathBuf, Arc<Listing>)>) {
        let databases = listings.into_iter().map(|(path, listing)| Database {
            path,
            keys: listing.keys.iter().map(Key::of).collect(),
        });
        let databases: Vec<Database> = databases.filter(|database| !database.keys.is_empty()).collect();
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.databases == databases {
                return;
            }
            known.databases = databases;
        }
        let (known, file) = (self.known.clone(), self.file.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = write(&file, &known) {
                tracing::warn!(%error, "public halves of keys are not remembered");
            }
        });
    }
}

fn read(file: &Path) -> Note {
    match files::read_public(file, MAX_SIZE) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "not understood; it is made anew");
            Note::default()
        }),
        Err(FileError::Missing { .. }) => Note::default(),
        Err(error) => {
            tracing::warn!(%error, "public halves of keys were not read");
            Note::default()
        }
    }
}

fn write(file: &Path, known: &Mutex<Note>) -> Result<(), FileError> {
    if let Some(directory) = file.parent() {
        files::private_dir(directory)?;
    }
    let _lock = files::lock(file, LOCK_WAIT)?;
    let note = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // Strings, numbers and lists only: there is nothing in it that JSON could not hold.
    let text = serde_json::to_vec(&note).unwrap_or_default();
    files::write_atomic(file, &text)
}

impl Key {
    fn of(key: &ListedKey) -> Self {
        let blob = |bytes: &[u8]| Blob(bytes.to_vec());
        let host = |hop: &Hop| {
            let keys = hop.keys.iter().map(|(key, is_ca)| (blob(key), *is_ca));
            (blob(&hop.user), blob(&hop.host), keys.collect())
        };
        Self {
            entry: key.entry.clone(),
            title: key.title.clone(),
            public: blob(&key.public.blob),
            certificate: key
                .certificate
                .as_ref()
                .map(|certificate| (blob(&certificate.blob), blob(&certificate.comment))),
            comment: blob(&key.comment),
            format: key.format.clone(),
            protected: key.protected,
            confirm: key.confirm,
            lifetime: key.lifetime.map(|lifetime| lifetime.as_secs()),
            destinations: key
                .destinations
                .iter()
                .map(|step| (host(&step.from), host(&step.to)))
                .collect(),
            file: key.file.clone(),
        }
    }

    /// None where the public half is of a type that is no longer read.
    fn listed(&self) -> Option<ListedKey> {
        let hop = |(user, host, keys): &Host| Hop {
            user: user.0.clone(),
            host: host.0.clone(),
            keys: keys.iter().map(|(key, is_ca)| (key.0.clone(), *is_ca)).collect(),
        };
        Some(ListedKey {
            entry: self.entry.clone(),
            title: self.title.clone(),
            public: PublicHalf::parse(&self.public.0).ok()?,
            certificate: self.certificate.as_ref().map(|(blob, comment)| CertificateFile {
                blob: blob.0.clone(),
                comment: comment.0.clone(),
            }),
            comment: self.comment.0.clone(),
            format: self.format.clone(),
            protected: self.protected,
            confirm: self.confirm,
            lifetime: self.lifetime.map(Duration::from_secs),
            destinations: self
                .destinations
                .iter()
                .map(|(from, to)| Destination {
                    from: hop(from),
                    to: hop(to),
                })
                .collect(),
            file: self.file.clone(),
        })
    }
}
