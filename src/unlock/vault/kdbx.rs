//! The KDBX crate behind a narrow door: how a vault is configured, written and read, and which errors mean what.

use super::{VaultError, entries, guard};
use crate::key::KdfLimits;
use keepass::config::{
    CompressionConfig, DatabaseConfig, DatabaseVersion, InnerCipherConfig, KdfConfig, OuterCipherConfig,
};
use keepass::db::{Entry, MemoryProtection};
use keepass::error::{DatabaseFormatError, DatabaseKeyError, DatabaseOpenError, Kdbx4OpenError};
use keepass::{Database, DatabaseKey};
use zeroize::Zeroizing;

/// Cost of the key derivation of a vault that is made here; an existing file keeps its own.
#[derive(Clone, Copy)]
pub(in crate::unlock) struct KdfCost {
    memory: u64,
    iterations: u64,
    lanes: u32,
}

impl KdfCost {
    /// About 0.3 s on two cores, as KeePassXC aims at, and 64 MiB, which is what makes graphics cards slow at it.
    pub(in crate::unlock) const STANDARD: Self = Self {
        memory: 64 << 20,
        iterations: 10,
        lanes: 2,
    };
    /// As good as none.
    const REHEARSAL: Self = Self {
        memory: 64 << 10,
        iterations: 1,
        lanes: 1,
    };
    /// As good as none.
    #[cfg(test)]
    pub(in crate::unlock) const CHEAP: Self = Self::REHEARSAL;
}

/// An empty database.
pub(in crate::unlock) fn new(cost: KdfCost) -> Result<Database, VaultError> {
    let mut config = DatabaseConfig::default();
    config.outer_cipher_config = OuterCipherConfig::AES256;
    config.compression_config = CompressionConfig::GZip;
    config.inner_cipher_config = InnerCipherConfig::ChaCha20;
    config.kdf_config = argon2id(cost)?;
    let mut database = Database::with_config(config);
    database.meta.generator = Some("claviger".to_owned());
    database.meta.database_name = Some("claviger".to_owned());
    database.meta.memory_protection = Some(MemoryProtection::default());
    database.meta.recyclebin_enabled = Some(true);
    database.root_mut().name = "Root".to_owned();
    database.root_mut().add_group().name = entries::GROUP.to_owned();
    Ok(database)
}

/// The file's bytes, once it is known that nothing is lost in them.
pub(super) fn serialize(database: &mut Database, master: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // KeePassXC writes 4.0 where it needs no more; the crate writes 4.1 only.
    database.config.version = DatabaseVersion::KDB4(1);
    let written = rehearsed(database, |database| write(database, master))?;
    // Its derivation costs nothing.
    if !parse(&KdfLimits::DEFAULT, &written, master).is_ok_and(|copy| holds_all_of(&copy, database)) {
        return Err(VaultError::Save("it would not read back as it is".to_owned()));
    }
    write(database, master)
}

/// Lets `write` write the database into memory with a derivation that costs nothing: read back, it shows what XML cannot
/// hold, and a person does not wait for another full derivation.
pub(in crate::unlock) fn rehearsed<T>(
    database: &mut Database,
    write: impl FnOnce(&Database) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    let cheap = argon2id(KdfCost::REHEARSAL)?;
    let full = std::mem::replace(&mut database.config.kdf_config, cheap);
    let written = write(database);
    database.config.kdf_config = full;
    written
}

/// Reads a file's bytes.
pub(super) fn parse(limits: &KdfLimits, bytes: &[u8], master: &[u8]) -> Result<Database, VaultError> {
    guard::check(limits, bytes).map_err(|reason| VaultError::Damaged(reason.to_string()))?;
    Database::parse(bytes, key(master)?).map_err(|error| match error {
        DatabaseOpenError::Key(DatabaseKeyError::IncorrectKey) => VaultError::WrongMaster,
        // Its text may quote what was decrypted.
        DatabaseOpenError::Format(DatabaseFormatError::Kdbx4(Kdbx4OpenError::Xml(_))) => {
            VaultError::Damaged("its content is not what a KeePass database holds".to_owned())
        }
        other => VaultError::Damaged(other.to_string()),
    })
}

fn argon2id(cost: KdfCost) -> Result<KdfConfig, VaultError> {
    // Its version has a type of another crate, so it is taken out of the default.
    let (KdfConfig::Argon2 { version, .. } | KdfConfig::Argon2id { version, .. }) =
        DatabaseConfig::default().kdf_config
    else {
        return Err(VaultError::Save("no Argon2 in the KDBX library".to_owned()));
    };
    let KdfCost {
        memory,
        iterations,
        lanes,
    } = cost;
    Ok(KdfConfig::Argon2id {
        memory,
        iterations,
        parallelism: lanes,
        version,
    })
}

fn write(database: &Database, master: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut bytes = Zeroizing::new(Vec::new());
    database
        .save(&mut *bytes, key(master)?)
        .map_err(|error| VaultError::Save(error.to_string()))?;
    Ok(bytes)
}

/// Whether all groups, attachments and entries of `database`, with fields and history, are in `copy`.
pub(in crate::unlock) fn holds_all_of(copy: &Database, database: &Database) -> bool {
    copy.num_groups() == database.num_groups()
        && copy.num_attachments() == database.num_attachments()
        && copy.num_entries() == database.num_entries()
        && database.iter_all_entries().all(|entry| {
            copy.entry(entry.id())
                .is_some_and(|copy| copy.fields == entry.fields && versions(&copy) == versions(&entry))
        })
}

fn versions(entry: &Entry) -> usize {
    entry
        .history
        .as_ref()
        .map_or(0, |history| history.get_entries().len())
}

/// `bytes` as text; `what` is for the error.
pub(in crate::unlock) fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, VaultError> {
    std::str::from_utf8(bytes).map_err(|_| VaultError::NotText(what))
}

/// Lives as short as can be: it holds the master passphrase outside of protected memory, until it is dropped and wiped.
fn key(master: &[u8]) -> Result<DatabaseKey, VaultError> {
    Ok(DatabaseKey::new().with_password(text(master, "the master passphrase")?))
}
