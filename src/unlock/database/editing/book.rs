//! The file that is changed: read, changed in memory, compared, and replaced whole.
//!
//! Order of a change: read and decrypt; write the content as it is into memory and compare (`fidelity`), so that a file
//! whose content would not survive is refused before anything happens; change; write into memory again and read that;
//! only then, if the file still has the bytes that were read, replace it. A kill leaves the old file or the new one.

use super::fidelity;
use crate::unlock::database::file::{Database, Opened};
use crate::unlock::session::Protected;
use crate::unlock::vault::{Edition, VaultError, rehearsed};
use claviger_platform::files;
use keepass::config::{DatabaseVersion, InnerCipherConfig};
use keepass::{Database as Content, DatabaseKey};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Another claviger derives a key a few times while it holds the lock.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// A KeePass database, or the embedded vault, which is one.
pub(super) struct Book {
    pub(super) database: Database,
    pub(super) is_vault: bool,
    /// What the lock between claviger's processes is named after. Not the file itself: KeePass takes `FILE.lock` for its
    /// own lock.
    pub(super) lock: PathBuf,
}

/// What a change came to.
pub struct Changed<T> {
    /// What was done.
    pub done: T,
    /// Whether the file had another version than the one that is written.
    pub upgraded: bool,
}

impl Protected for Book {
    fn path(&self) -> &Path {
        self.database.path()
    }

    fn secret(&self) -> String {
        match self.is_vault {
            true => format!("the master passphrase of the vault {}", self.path().display()),
            false => self.database.secret(),
        }
    }

    fn inspect(&self) -> Result<(), VaultError> {
        self.named(self.database.inspect())
    }

    fn may_open_alone(&self) -> bool {
        self.database.may_open_alone()
    }
}

impl Book {
    /// Decrypts it.
    pub(super) fn open(&self, master: &[u8]) -> Result<Opened, VaultError> {
        self.named(self.database.open(master))
    }

    /// Makes a new file with `content`.
    pub(super) fn create(&self, content: &mut Content, master: &[u8]) -> Result<(), VaultError> {
        let key = self.database.new_key(master)?;
        content.config.version = DatabaseVersion::KDB4(1);
        if let Some(directory) = self.path().parent().filter(|_| self.is_vault) {
            files::private_dir(directory)?;
        }
        files::refuse_existing(self.path())?;
        let bytes = write(content, key)?;
        Ok(files::Fresh::write(self.path(), &bytes, 0o600)?.publish()?)
    }

    /// Lets `edit` change the content and writes the file, under `new_master` if that is given.
    pub(super) fn change<T>(
        &self,
        master: &[u8],
        new_master: Option<&[u8]>,
        edit: impl FnOnce(&mut Content) -> Result<T, VaultError>,
    ) -> Result<Changed<T>, VaultError> {
        files::refuse_read_only(self.path())?;
        let _lock = files::lock(&self.lock, LOCK_WAIT)?;
        let bytes = self.named(self.database.bytes())?;
        let edition = Edition::of(&bytes);
        let (mut content, old_key) = self.database.decrypted(&bytes, master)?;
        let is_old = matches!(content.config.version, DatabaseVersion::KDB3(_));
        let upgraded = content.config.version != DatabaseVersion::KDB4(1);
        content.config.version = DatabaseVersion::KDB4(1);
        if is_old {
            // What goes with KDBX 4; the key derivation stays.
            content.config.inner_cipher_config = InnerCipherConfig::ChaCha20;
        }
        survives(&bytes, &mut content, &old_key, is_old)?;
        // The reader leaves out who uses an attachment, without which removing one entry would take another's.
        content.remove_unused_attachments();
        let done = edit(&mut content)?;
        if !fidelity::is_text(&content) {
            return Err(VaultError::Save(
                "a name in it would have a control character, which a KeePass database cannot hold"
                    .to_owned(),
            ));
        }
        let key = match new_master {
            Some(master) => self.database.key(Some(master))?,
            None => old_key,
        };
        let rehearsal = rehearsed(&mut content, |content| write(content, key.clone()))?;
        fidelity::reads_back(&rehearsal, key.clone(), &content)?;
        let bytes = write(&content, key)?;
        if self.database.edition()? != edition {
            return Err(VaultError::Save(
                "another program changed the file meanwhile; nothing is lost, run the command again"
                    .to_owned(),
            ));
        }
        files::replace_keeping_mode(self.path(), &bytes)?;
        Ok(Changed { done, upgraded })
    }

    /// An absent vault is made by other means than an absent database.
    fn named<T>(&self, result: Result<T, VaultError>) -> Result<T, VaultError> {
        match result {
            Err(VaultError::Gone) if self.is_vault => Err(VaultError::Missing),
            Err(VaultError::Gone) => Err(VaultError::Refused(
                "no such file; `claviger vault create FILE` makes one".to_owned(),
            )),
            other => other,
        }
    }
}

/// Compares what is in the file with what would be written of it.
fn survives(bytes: &[u8], content: &mut Content, key: &DatabaseKey, is_old: bool) -> Result<(), VaultError> {
    let before = xml(bytes, key.clone())?;
    let after = rehearsed(content, |content| write(content, key.clone()))?;
    fidelity::reads_back(&after, key.clone(), content)?;
    match fidelity::lost(&before, &xml(&after, key.clone())?, is_old)? {
        lost if lost.is_empty() => Ok(()),
        lost => Err(VaultError::Save(format!(
            "it holds what claviger cannot write again ({}); make this change with KeePassXC",
            lost.join(", ")
        ))),
    }
}

fn write(content: &Content, key: DatabaseKey) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let saved = content.save(&mut *bytes, key);
    saved.map_err(|error| VaultError::Save(error.to_string()))?;
    Ok(bytes)
}

fn xml(file: &[u8], key: DatabaseKey) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let xml = Content::get_xml(&mut &*file, key);
    xml.map(Zeroizing::new)
        .map_err(|error| VaultError::Unreadable(error.to_string()))
}
