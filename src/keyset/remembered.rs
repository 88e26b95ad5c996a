//! The keys of KeePass databases as they were last read, so that a list has them while the databases are closed.
//!
//! Remembered are public keys, certificates, comments and terms, with a database's path and an entry's UUID and title.

use super::notes::{Note, Notes};
use crate::key::{CertificateFile, PublicHalf};
use crate::unlock::{ListedKey, Listing};
use crate::wire::{Destination, Hop};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is remembered.
pub(super) struct Remembered {
    notes: Notes,
    /// As it is in the notes, as far as this process knows.
    known: Arc<Mutex<Vec<Database>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Database {
    path: PathBuf,
    keys: Vec<Key>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    entry: String,
    title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    host: String,
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
    /// Reads the notes.
    pub(super) fn load(notes: Notes) -> Self {
        Self {
            known: Arc::new(Mutex::new(notes.read().databases)),
            notes,
        }
    }

    /// What is remembered of the database at `path`.
    pub(super) fn of(&self, path: &Path) -> Arc<Listing> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let database = known.iter().find(|database| database.path == path);
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
            if *known == databases {
                return;
            }
            *known = databases;
        }
        let (known, notes) = (self.known.clone(), self.notes.clone());
        tokio::task::spawn_blocking(move || {
            let newest = |note: &mut Note| {
                note.databases
                    .clone_from(&known.lock().unwrap_or_else(PoisonError::into_inner));
            };
            if let Err(error) = notes.change(newest) {
                tracing::warn!(%error, "public halves of keys are not remembered");
            }
        });
    }
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
            host: key.host.clone(),
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
            host: self.host.clone(),
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
