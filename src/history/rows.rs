//! What goes into the file's rows, and what comes out of them.

use super::known::{Tried, Use};
use super::memory::{Memory, Noted, Passed, Surplus};
use rusqlite::{Connection, params};

/// Another agent may have counted meanwhile, so one is added, whatever memory counts.
pub(super) fn worked(connection: &Connection, noted: &Noted) -> rusqlite::Result<()> {
    let one = &noted.used;
    connection.execute(
        "INSERT INTO login VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, 0) ON CONFLICT (host, key, user, path) DO UPDATE SET
         first = min(first, excluded.first), last = max(last, excluded.last), times = times + 1, misses = 0,
         authority = excluded.authority",
        params![one.host, one.key, one.user, one.path, one.authority, number(one.first), number(one.last)],
    )?;
    connection.execute(
        "DELETE FROM tried WHERE host = ?1 AND key = ?2",
        [&one.host, &one.key],
    )?;
    for name in &noted.names {
        connection.execute("INSERT OR IGNORE INTO name VALUES (?1, ?2)", [&one.host, name])?;
    }
    Ok(())
}

pub(super) fn tried(connection: &Connection, host: &str, passed: &Passed) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("INSERT OR REPLACE INTO tried VALUES (?1, ?2, ?3, ?4)")?;
    for (key, tried) in &passed.tried {
        statement.execute(params![host, key, number(tried.round), number(tried.at)])?;
    }
    match passed.keyless {
        true => connection.execute("INSERT OR IGNORE INTO keyless VALUES (?1)", [host])?,
        false => connection.execute("DELETE FROM keyless WHERE host = ?1", [host])?,
    };
    Ok(())
}

pub(super) fn missed(connection: &Connection, uses: &[Use]) -> rusqlite::Result<()> {
    for one in uses {
        connection.execute(
            "UPDATE login SET misses = ?5 WHERE host = ?1 AND key = ?2 AND user = ?3 AND path = ?4",
            params![one.host, one.key, one.user, one.path, one.misses],
        )?;
    }
    Ok(())
}

pub(super) fn drop_surplus(connection: &Connection, surplus: &Surplus) -> rusqlite::Result<()> {
    for one in &surplus.uses {
        connection.execute(
            "DELETE FROM login WHERE host = ?1 AND key = ?2 AND user = ?3 AND path = ?4",
            params![one.host, one.key, one.user, one.path],
        )?;
        connection.execute(
            "DELETE FROM name WHERE host = ?1 AND host NOT IN (SELECT host FROM login)",
            [&one.host],
        )?;
    }
    for host in &surplus.tried {
        connection.execute("DELETE FROM tried WHERE host = ?1", [host])?;
        connection.execute("DELETE FROM keyless WHERE host = ?1", [host])?;
    }
    Ok(())
}

pub(super) fn memory(connection: &Connection) -> rusqlite::Result<Memory> {
    let mut memory = Memory::default();
    let mut logins = connection
        .prepare("SELECT host, authority, key, user, path, first, last, times, misses FROM login")?;
    let uses = logins.query_map([], |row| {
        Ok(Use {
            host: row.get(0)?,
            authority: row.get(1)?,
            key: row.get(2)?,
            user: row.get(3)?,
            path: row.get(4)?,
            first: row.get::<_, i64>(5)?.unsigned_abs(),
            last: row.get::<_, i64>(6)?.unsigned_abs(),
            times: row.get::<_, i64>(7)?.unsigned_abs(),
            misses: row.get(8)?,
        })
    })?;
    for one in uses {
        memory.put_use(one?);
    }
    let mut tries = connection.prepare("SELECT host, key, round, at FROM tried")?;
    let mut rows = tries.query([])?;
    while let Some(row) = rows.next()? {
        let tried = Tried {
            round: row.get::<_, i64>(2)?.unsigned_abs(),
            at: row.get::<_, i64>(3)?.unsigned_abs(),
        };
        memory.put_tried(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?, tried);
    }
    let mut keyless =
        connection.prepare("SELECT host FROM keyless WHERE host IN (SELECT host FROM tried)")?;
    let mut rows = keyless.query([])?;
    while let Some(row) = rows.next()? {
        memory.put_keyless(&row.get::<_, String>(0)?);
    }
    let mut names = connection.prepare("SELECT host, name FROM name")?;
    let mut rows = names.query([])?;
    while let Some(row) = rows.next()? {
        memory.put_name(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?);
    }
    Ok(memory)
}

/// SQLite has no unsigned numbers.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
