//! The embedded vault's file: a KDBX 4.1 database that KeePassXC opens with the same master passphrase.
//!
//! Each call reads the file anew, which costs one key derivation, and forgets what it decrypted; what a session may
//! keep of it is in [`Contents`]. A change is made under a lock that other claviger processes respect, rehearsed in
//! memory, and written whole or not at all. A file that cannot be read is never overwritten. All of it blocks, mostly in
//! the key derivation.

mod contents;
mod entries;
pub(super) mod guard;
mod kdbx;
#[cfg(test)]
mod tests;

pub(super) use contents::{Contents, Known};
pub(super) use kdbx::{KdfCost, holds_all_of, new as new_content, rehearsed, text};

use crate::key::KdfLimits;
use crate::secret::Secret;
use crate::unlock::session::Protected;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use claviger_platform::files::{self, FileError};
use keepass::Database;
use keepass::db::{EntryId, fields};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// A vault with KeePassXC attachments may be large, but has an end.
const MAX_SIZE: u64 = 64 << 20;
/// Another process derives a key twice while it holds the lock.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Why the vault's file gave or took nothing. The caller names the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum VaultError {
    /// The file is whole, but not protected by this master passphrase.
    #[error("the master passphrase does not fit")]
    WrongMaster,
    /// No file yet.
    #[error("does not exist yet; `claviger add FILE` makes it")]
    Missing,
    /// It was to be made, but is there.
    #[error("exists already")]
    Exists,
    /// Cut, overwritten, or not a KDBX 4 file.
    #[error(
        "damaged: {0}. Put a copy of it back, or move it away: then a new one is made when a passphrase is stored"
    )]
    Damaged(String),
    /// KDBX holds text.
    #[error(
        "{0} is not UTF-8 text, which is all that a KDBX file can hold; change it, or use the OS keyring"
    )]
    NotText(&'static str),
    /// What was asked for is not there, or is there already.
    #[error("{0}")]
    Refused(String),
    /// The new content could not be written, or did not read back as it should; the file is as it was.
    #[error("not changed: {0}")]
    Save(String),
    /// A KeePass database of the person's, which nothing here makes.
    #[error("is not there; put it back, or correct `path` of its [[kdbx]] table")]
    Gone,
    /// A KeePass database that is cut, damaged, or of a kind that is not read.
    #[error("not read: {0}")]
    Unreadable(String),
    /// What opens a KeePass database beside its password.
    #[error("its key file is not read: {0}")]
    KeyFile(FileError),
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
}

/// One vault file.
pub(super) struct Vault {
    path: PathBuf,
    cost: KdfCost,
    limits: KdfLimits,
    /// Openings so far, each of which derives the key.
    openings: AtomicUsize,
}

/// One state of the file: the digest of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Edition([u8; SHA256_OUTPUT_LEN]);

impl Edition {
    pub(super) fn of(file: &[u8]) -> Self {
        let mut edition = [0; SHA256_OUTPUT_LEN];
        edition.copy_from_slice(digest(&SHA256, file).as_ref());
        Self(edition)
    }
}

/// The file decrypted, for the moment of one call.
pub(super) struct Opened {
    database: Database,
    edition: Edition,
}

impl Opened {
    /// The passphrase of the key `fingerprint`.
    pub(super) fn passphrase(&self, fingerprint: &str) -> Option<Secret> {
        let newest = entries::newest(&self.database, fingerprint)?;
        Some(Secret::copy_of(newest.get_password()?.as_bytes()))
    }
}

impl Protected for Vault {
    fn path(&self) -> &Path {
        &self.path
    }

    fn secret(&self) -> String {
        format!("the master passphrase of the vault {}", self.path.display())
    }

    /// A person is not asked for the master passphrase of a file that is cut in half.
    fn inspect(&self) -> Result<(), VaultError> {
        guard::check(&self.limits, &self.bytes()?).map_err(|reason| VaultError::Damaged(reason.to_string()))
    }

    fn may_open_alone(&self) -> bool {
        false
    }
}

impl Vault {
    /// Touches nothing yet.
    pub(super) fn new(path: PathBuf, cost: KdfCost, limits: KdfLimits) -> Self {
        Self {
            path,
            cost,
            limits,
            openings: AtomicUsize::new(0),
        }
    }

    /// Where it is, or would be made.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything is there, even a broken link: only where nothing is may a vault be made.
    pub(super) fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// Whether it could hold `passphrase`: KDBX holds text.
    pub(super) fn accepts(passphrase: &[u8]) -> Result<(), VaultError> {
        kdbx::text(passphrase, "the passphrase").map(drop)
    }

    /// Makes an empty vault.
    pub(super) fn make(&self, master: &[u8]) -> Result<(), VaultError> {
        if let Some(directory) = self.path.parent() {
            files::private_dir(directory)?;
        }
        let _lock = files::lock(&self.path, LOCK_WAIT)?;
        if self.exists() {
            return Err(VaultError::Exists);
        }
        let mut database = kdbx::new(self.cost)?;
        Ok(files::write_atomic(
            &self.path,
            &kdbx::serialize(&mut database, master)?,
        )?)
    }

    /// Which state the file is in; derives nothing.
    pub(super) fn edition(&self) -> Result<Edition, VaultError> {
        Ok(Edition::of(&self.bytes()?))
    }

    /// Decrypts it.
    pub(super) fn open(&self, master: &[u8]) -> Result<Opened, VaultError> {
        let bytes = self.bytes()?;
        self.openings.fetch_add(1, Ordering::Relaxed);
        Ok(Opened {
            database: kdbx::parse(&self.limits, &bytes, master)?,
            edition: Edition::of(&bytes),
        })
    }

    /// How often it was decrypted, or that was tried.
    #[cfg(test)]
    pub(super) fn openings(&self) -> usize {
        self.openings.load(Ordering::Relaxed)
    }

    /// Stores `passphrase` for the key `fingerprint`; `title` is what KeePassXC shows. The value it replaces stays in
    /// the entry's history, as KeePassXC does it.
    pub(super) fn put(
        &self,
        master: &[u8],
        fingerprint: &str,
        title: &str,
        passphrase: &[u8],
    ) -> Result<(), VaultError> {
        let passphrase = kdbx::text(passphrase, "the passphrase")?;
        let title: String = title
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        self.change(master, |database| {
            let newest = entries::newest(database, fingerprint);
            let same = newest
                .as_ref()
                .is_some_and(|entry| entry.get_password() == Some(passphrase));
            match newest.map(|entry| entry.id()) {
                _ if same => return false,
                Some(id) => {
                    if let Some(mut entry) = database.entry_mut(id) {
                        entry.edit_tracking(|entry| entry.set_protected(fields::PASSWORD, passphrase));
                    }
                }
                None => entries::add(database, fingerprint, &title, passphrase),
            }
            true
        })?;
        Ok(())
    }

    /// Removes the passphrase of the key `fingerprint`, or only entries that still hold `value`. Returns whether there
    /// was one.
    pub(super) fn remove(
        &self,
        master: &[u8],
        fingerprint: &str,
        value: Option<&[u8]>,
    ) -> Result<bool, VaultError> {
        self.change(master, |database| {
            let doomed: Vec<EntryId> = entries::of(database, fingerprint)
                .filter(|entry| {
                    value.is_none_or(|value| entry.get_password().map(str::as_bytes) == Some(value))
                })
                .map(|entry| entry.id())
                .collect();
            for id in &doomed {
                if let Some(mut entry) = database.entry_mut(*id) {
                    entry.track_changes().remove();
                }
            }
            !doomed.is_empty()
        })
    }

    /// Reads the file, lets `edit` change it, and writes it if that returns true.
    fn change(&self, master: &[u8], edit: impl FnOnce(&mut Database) -> bool) -> Result<bool, VaultError> {
        if !self.exists() {
            return Err(VaultError::Missing);
        }
        let _lock = files::lock(&self.path, LOCK_WAIT)?;
        let mut database = self.open(master)?.database;
        // The reader leaves out who uses an attachment, without which removing one entry would take another's.
        database.remove_unused_attachments();
        let changed = edit(&mut database);
        if changed {
            files::write_atomic(&self.path, &kdbx::serialize(&mut database, master)?)?;
        }
        Ok(changed)
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match files::read_private(&self.path, MAX_SIZE) {
            Err(FileError::Missing { .. }) => Err(VaultError::Missing),
            other => Ok(other?),
        }
    }
}
