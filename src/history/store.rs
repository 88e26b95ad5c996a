//! The file: its schema, and what goes in and out. Blocking.

use super::{HistoryError, Use};
use claviger_platform::files;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Number of the schema, in `user_version`.
const SCHEMA: u32 = 1;
/// How long another process that writes is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// WAL, so that two agents on one home do not wait for each other's readers; what is deleted is overwritten.
const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA secure_delete = ON;";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS worked (
        host TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL,
        PRIMARY KEY (host, key, user)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
";

pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
}

impl Store {
    /// Opens or makes it, and reads all. A damaged file is set aside; then the text says so.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Use>, Option<String>), HistoryError> {
        if let Some(dir) = path.parent() {
            files::private_dir(dir)?;
        }
        match Self::read(path) {
            Ok((store, uses)) => Ok((store, uses, None)),
            Err(HistoryError::Database { source, .. }) if is_damage(&source) => {
                let aside = set_aside(path)?;
                let (store, uses) = Self::read(path)?;
                let warning = format!(
                    "{}: damaged ({source}); set aside as {}, and what was learnt begins anew",
                    path.display(),
                    aside.display()
                );
                Ok((store, uses, Some(warning)))
            }
            Err(other) => Err(other),
        }
    }

    fn read(path: &Path) -> Result<(Self, Vec<Use>), HistoryError> {
        let failed = |source| HistoryError::Database {
            path: path.to_owned(),
            source,
        };
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        let found: u32 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(failed)?;
        if found > SCHEMA {
            return Err(HistoryError::Newer {
                path: path.to_owned(),
                found,
            });
        }
        connection.execute_batch(SETTINGS).map_err(failed)?;
        if found == 0 {
            connection.execute_batch(TABLES).map_err(failed)?;
        }
        let uses = uses(&connection).map_err(failed)?;
        let path = path.to_owned();
        Ok((Self { path, connection }, uses))
    }

    /// Writes one more use, and removes what memory has dropped. Another agent may have counted meanwhile, and writes
    /// may come in another order than the uses: so one is added, whatever memory counts.
    pub(super) fn write(&mut self, noted: &Use, surplus: &[Use]) -> Result<(), HistoryError> {
        let write = |connection: &mut Connection| {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute(
                "INSERT INTO worked VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT (host, key, user) DO UPDATE SET
                 first = min(first, excluded.first), last = max(last, excluded.last), times = times + 1",
                params![
                    noted.host,
                    noted.key,
                    noted.user,
                    number(noted.first),
                    number(noted.last)
                ],
            )?;
            for one in surplus {
                change.execute(
                    "DELETE FROM worked WHERE host = ?1 AND key = ?2 AND user = ?3",
                    params![one.host, one.key, one.user],
                )?;
            }
            change.commit()
        };
        write(&mut self.connection).map_err(|source| self.failed(source))
    }

    /// Removes one host or everything; the write-ahead log is emptied too, or it could be read there.
    pub(super) fn forget(&mut self, host: Option<&str>) -> Result<(), HistoryError> {
        let forget = |connection: &Connection| {
            match host {
                Some(host) => connection.execute("DELETE FROM worked WHERE host = ?1", [host])?,
                None => connection.execute("DELETE FROM worked", [])?,
            };
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

fn uses(connection: &Connection) -> rusqlite::Result<Vec<Use>> {
    let mut statement = connection.prepare("SELECT host, key, user, first, last, times FROM worked")?;
    let rows = statement.query_map([], |row| {
        Ok(Use {
            host: row.get(0)?,
            key: row.get(1)?,
            user: row.get(2)?,
            first: row.get::<_, i64>(3)?.unsigned_abs(),
            last: row.get::<_, i64>(4)?.unsigned_abs(),
            times: row.get::<_, i64>(5)?.unsigned_abs(),
        })
    })?;
    rows.collect()
}

/// SQLite has no unsigned numbers.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
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
