//! The tables, and what is asked of them. Names and messages are parameters, never part of a statement.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, types::Type};

use super::{Offset, Stored, unsigned};
use crate::ws::{Message, Text};

/// How long to wait for another process that holds the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const VERSION: i64 = 1;
const TEXT: i64 = 0;
const BINARY: i64 = 1;

/// Rooms by their names as bytes: no collation has a say. What `last` and `at` say stays when messages are dropped.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS sockeye_version (version INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS sockeye_room (
        id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, last INTEGER NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS sockeye_message (
        room INTEGER NOT NULL, offset INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL,
        payload BLOB NOT NULL, PRIMARY KEY (room, offset)
    ) STRICT, WITHOUT ROWID;
";

pub(super) const ROOM: &str = "SELECT id, last, at FROM sockeye_room WHERE name = ?1";
pub(super) const ADD_ROOM: &str = "INSERT INTO sockeye_room (name, last, at) VALUES (?1, 0, 0)";
pub(super) const SET_LAST: &str = "UPDATE sockeye_room SET last = ?2, at = ?3 WHERE id = ?1";
pub(super) const ADD: &str =
    "INSERT INTO sockeye_message (room, offset, at, kind, payload) VALUES (?1, ?2, ?3, ?4, ?5)";
/// The oldest that is kept: in a room time does not go back, and so the first that is young enough is the one.
pub(super) const FIRST: &str =
    "SELECT offset FROM sockeye_message WHERE room = ?1 AND offset > ?2 AND at >= ?3 ORDER BY offset LIMIT 1";
pub(super) const AFTER: &str = "SELECT offset, at, kind, payload FROM sockeye_message
    WHERE room = ?1 AND offset > ?2 AND offset >= ?3 ORDER BY offset LIMIT ?4";
pub(super) const BEFORE: &str = "SELECT offset, at, kind, payload FROM sockeye_message
    WHERE room = ?1 AND offset < ?2 AND offset >= ?3 ORDER BY offset DESC LIMIT ?4";
pub(super) const TRIM: &str = "DELETE FROM sockeye_message WHERE room = ?1 AND offset < ?2";
pub(super) const SOME_ROOMS: &str = "SELECT id, last FROM sockeye_room WHERE id > ?1 ORDER BY id LIMIT 100";

/// A connection that may write. The tables are made if they are not there.
pub(super) fn open(path: &Path) -> Result<Connection, String> {
    let connection = Connection::open(path).map_err(|error| error.to_string())?;
    set_up(&connection).map_err(|error| error.to_string())?;
    let version = version(&connection).map_err(|error| error.to_string())?;
    if version != VERSION {
        return Err(format!("expected version {VERSION} of its tables, got {version}"));
    }
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    // SQLite answers with the mode that it has taken.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES}
         INSERT INTO sockeye_version SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM sockeye_version); COMMIT;"
    ))
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let version = connection.query_row("SELECT version FROM sockeye_version", [], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or(0))
}

pub(super) fn kind(message: &Message) -> i64 {
    if message.is_text() { TEXT } else { BINARY }
}

/// A message from `offset, at, kind, payload`.
pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let payload: Vec<u8> = row.get(3)?;
    let message = match row.get::<_, i64>(2)? {
        TEXT => Text::try_from(payload)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(3, Type::Blob, error.into()))?
            .into(),
        BINARY => Message::binary(payload),
        kind => return Err(rusqlite::Error::IntegralValueOutOfRange(2, kind)),
    };
    Ok(Stored::new(Offset(unsigned(row.get(0)?)), unsigned(row.get(1)?), message))
}
