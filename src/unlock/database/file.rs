//! One database file: read whole, looked over, decrypted for the moment of one call.

use super::guard;
use super::source::Surroundings;
use crate::config::Kdbx;
use crate::key::KdfLimits;
use crate::unlock::session::Protected;
use crate::unlock::vault::{Edition, VaultError, text};
use claviger_platform::files::{self, FileError};
use keepass::error::{
    CryptographyError, DatabaseFormatError, DatabaseKeyError, DatabaseOpenError, Kdbx3OpenError,
    Kdbx4OpenError,
};
use keepass::{Database as Content, DatabaseKey};
use std::path::Path;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// A database with attachments may be large, but has an end.
const MAX_SIZE: u64 = 256 << 20;
/// Key files are small; any file can be one.
const MAX_KEY_FILE: u64 = 16 << 20;

/// A configured database.
pub(super) struct Database {
    pub(super) table: Kdbx,
    pub(super) surroundings: Surroundings,
    pub(super) limits: KdfLimits,
}

/// The file decrypted.
pub(super) struct Opened {
    pub(super) content: Content,
    pub(super) edition: Edition,
    pub(super) stamp: Option<Stamp>,
}

/// What shows at a glance that a file was written: its size and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64, SystemTime);

impl Stamp {
    /// Blocks as long as the file's drive does.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let facts = path.metadata().ok()?;
        Some(Self(facts.len(), facts.modified().ok()?))
    }
}

impl Protected for Database {
    fn path(&self) -> &Path {
        &self.table.path
    }

    fn secret(&self) -> String {
        format!(
            "the master password of the database {}",
            self.table.path.display()
        )
    }

    fn inspect(&self) -> Result<(), VaultError> {
        self.checked(&self.bytes()?)
    }

    fn may_open_alone(&self) -> bool {
        self.table.key_file.is_some()
    }
}

impl Database {
    /// Which state the file is in; derives nothing.
    pub(super) fn edition(&self) -> Result<Edition, VaultError> {
        Ok(Edition::of(&self.bytes()?))
    }

    /// Decrypts it. An empty password with a key file may also mean that there is none.
    pub(super) fn open(&self, password: &[u8]) -> Result<Opened, VaultError> {
        // Taken before the bytes are: what is written meanwhile then looks changed, not read.
        let stamp = Stamp::of(&self.table.path);
        let bytes = self.bytes()?;
        let (content, _) = self.decrypted(&bytes, password)?;
        Ok(Opened {
            content,
            edition: Edition::of(&bytes),
            stamp,
        })
    }

    /// What the file's bytes hold, and the key that opened them.
    pub(super) fn decrypted(
        &self,
        bytes: &[u8],
        password: &[u8],
    ) -> Result<(Content, DatabaseKey), VaultError> {
        self.checked(bytes)?;
        let alone = password.is_empty() && self.table.key_file.is_some();
        let opened = |key: DatabaseKey| Ok((parse(bytes, key.clone())?, key));
        if alone {
            match opened(self.key(None)?) {
                Err(VaultError::WrongMaster) => {}
                other => return other,
            }
        }
        opened(self.key(Some(password))?)
    }

    /// The key that the file opens, or shall open, with.
    pub(super) fn key(&self, password: Option<&[u8]>) -> Result<DatabaseKey, VaultError> {
        let mut key = DatabaseKey::new();
        if let Some(file) = self.key_file()? {
            key = key
                .with_keyfile(&mut &file[..])
                .map_err(|error| VaultError::Unreadable(error.to_string()))?;
        }
        match password {
            Some(password) => Ok(key.with_password(text(password, "the master password")?)),
            None => Ok(key),
        }
    }

    /// The key of a database that is made, which other programs have to open too.
    ///
    /// # Errors
    /// KeePassXC takes no empty key file.
    pub(super) fn new_key(&self, password: &[u8]) -> Result<DatabaseKey, VaultError> {
        match (self.key_file()?, &self.table.key_file) {
            (Some(file), Some(path)) if file.is_empty() => Err(VaultError::Refused(format!(
                "its key file {} is empty, which KeePassXC does not take; name one that has content",
                path.display()
            ))),
            _ => self.key(Some(password)),
        }
    }

    /// Whoever may read it: it is encrypted, and on a synced or network drive its mode is not the person's choice.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, VaultError> {
        match files::read_public(&self.table.path, MAX_SIZE) {
            Err(FileError::Missing { .. }) => Err(VaultError::Gone),
            other => Ok(other?),
        }
    }

    fn checked(&self, bytes: &[u8]) -> Result<(), VaultError> {
        guard::check(&self.limits, bytes).map_err(|reason| VaultError::Unreadable(reason.to_string()))
    }

    fn key_file(&self) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let file = self.table.key_file.as_deref();
        // Any file of the person's can be one, a picture for example, so its mode is not judged either.
        let read = |path| {
            let bytes = files::read_public(path, MAX_KEY_FILE).map_err(VaultError::KeyFile)?;
            Ok(Zeroizing::new(bytes))
        };
        file.map(read).transpose()
    }
}

/// The crate's words are passed on where they cannot quote what was decrypted.
fn parse(bytes: &[u8], key: DatabaseKey) -> Result<Content, VaultError> {
    Content::parse(bytes, key).map_err(|error| match error {
        DatabaseOpenError::Key(DatabaseKeyError::IncorrectKey) => VaultError::WrongMaster,
        // All that KDBX 3.1 lets tell a wrong password by.
        DatabaseOpenError::Cryptography(CryptographyError::InvalidPadding(_)) => VaultError::WrongMaster,
        DatabaseOpenError::Format(
            DatabaseFormatError::Kdbx4(Kdbx4OpenError::Xml(_))
            | DatabaseFormatError::Kdbx3(Kdbx3OpenError::Xml(_)),
        ) => VaultError::Unreadable("its content is not what a KeePass database holds".to_owned()),
        other => VaultError::Unreadable(other.to_string()),
    })
}
