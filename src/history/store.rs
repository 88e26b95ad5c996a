//! The file: its schema, and what goes in and out. Blocking.

use super::known::Use;
use super::memory::{Memory, Noted, Passed, Surplus};
use super::{HistoryError, rows};
use claviger_platform::files;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Number of the schema, in `user_version`.
const SCHEMA: u32 = 2;
/// How long another process that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// WAL, so that two agents on one home do not wait for each other's readers; what is deleted is overwritten.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS login (
        host TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL, path TEXT NOT NULL, authority TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL, misses INTEGER NOT NULL,
        PRIMARY KEY (host, key, user, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS tried (
        host TEXT NOT NULL, key TEXT NOT NULL, round INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (host, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS keyless (host TEXT PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS name (
        host TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (host, name)
    ) STRICT, WITHOUT ROWID;
";

/// The first schema knew uses only.
const FROM_1: &str = "
    INSERT OR IGNORE INTO login SELECT host, key, user, '', '', first, last, times, 0 FROM worked;
    DROP TABLE worked;
";

/// A change to be written.
pub(super) enum Change {
    Worked(Noted),
    Passed { host: String, passed: Passed },
    Missed(Vec<Use>),
    Drop(Surplus),
}

impl Change {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Worked(_) => false,
            Self::Passed { passed, .. } => passed.tried.is_empty(),
            Self::Missed(missed) => missed.is_empty(),
            Self::Drop(surplus) => surplus.uses.is_empty() && surplus.tried.is_empty(),
        }
    }
}

pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens or makes it, and reads all. A damaged file is set aside; then the text says so.
    pub(super) fn open(path: &Path) -> Result<(Self, Memory, Option<String>), HistoryError> {
        if let Some(dir) = path.parent() {
            files::private_dir(dir)?;
        }
        match Self::read(path) {
            Ok((store, memory)) => Ok((store, memory, None)),
            Err(HistoryError::Database { source, .. }) if is_damage(&source) => {
                let aside = set_aside(path)?;
                let (store, memory) = Self::read(path)?;
                let warning = format!(
                    "{}: damaged ({source}); set aside as {}, and what was learnt begins anew",
                    path.display(),
                    aside.display()
                );
                Ok((store, memory, Some(warning)))
            }
            Err(other) => Err(other),
        }
    }

    fn read(path: &Path) -> Result<(Self, Memory), HistoryError> {
        let failed = |source| HistoryError::Database {
            path: path.to_owned(),
            source,
        };
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let found = schema(&connection).map_err(failed)?;
        if found > SCHEMA {
            return Err(HistoryError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        connection.execute_batch(SETTINGS).map_err(failed)?;
        if found < SCHEMA {
            migrate(&mut connection).map_err(failed)?;
        }
        let memory = rows::memory(&connection).map_err(failed)?;
        let path = path.to_owned();
        Ok((Self { path, connection }, memory))
    }

    /// Writes changes in their order, all or none.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<(), HistoryError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for change in changes {
                match change {
                    Change::Worked(noted) => rows::worked(&transaction, noted)?,
                    Change::Passed { host, passed } => {
                        rows::tried(&transaction, host, passed)?;
                        rows::missed(&transaction, &passed.missed)?;
                    }
                    Change::Missed(uses) => rows::missed(&transaction, uses)?,
                    Change::Drop(surplus) => rows::drop_surplus(&transaction, surplus)?,
                }
            }
            transaction.commit()
        };
        write(&mut self.connection).map_err(|source| self.failed(source))
    }

    /// Removes one host or everything; the write-ahead log is emptied too, or it could be read there.
    pub(super) fn forget(&mut self, host: Option<&str>) -> Result<(), HistoryError> {
        let forget = |connection: &Connection| {
            for table in ["login", "tried", "keyless", "name"] {
                match host {
                    Some(host) => {
                        connection.execute(&format!("DELETE FROM {table} WHERE host = ?1"), [host])?
                    }
                    None => connection.execute(&format!("DELETE FROM {table}"), [])?,
                };
            }
            connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
        };
        forget(&self.connection).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> HistoryError {
        HistoryError::Database {
            path: self.path.clone(),
            source,
        }
    }
}

fn schema(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Under the file's lock, as another agent may be at it too.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&change)?;
    change.execute_batch(TABLES)?;
    if found == 1 {
        change.execute_batch(FROM_1)?;
    }
    change.pragma_update(None, "user_version", SCHEMA)?;
    change.commit()
}

/// SQLite makes files with the umask's modes; so it is made here, private from the start. The files beside it get its
/// modes.
fn make_private(path: &Path) -> Result<(), HistoryError> {
    match path.exists() {
        true => Ok(()),
        false => Ok(files::write_atomic(path, b"")?),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    match error {
        rusqlite::Error::SqliteFailure(error, _) => matches!(error.code, DatabaseCorrupt | NotADatabase),
        // A table of another shape than was asked for.
        rusqlite::Error::SqlInputError { .. } | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}

/// Renames the file and what SQLite keeps beside it; an earlier one that was set aside is replaced.
fn set_aside(path: &Path) -> Result<PathBuf, HistoryError> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = beside(".damaged");
    for ending in ["-wal", "-shm"] {
        // Belongs to the damaged file, and would be taken for the new one's.
        let _ = std::fs::remove_file(beside(ending));
    }
    std::fs::rename(path, &aside).map_err(|error| HistoryError::Database {
        path: path.to_owned(),
        source: rusqlite::Error::ToSqlConversionFailure(Box::new(error)),
    })?;
    Ok(aside)
}
