//! The tables, and what is asked of them. Names and messages are parameters, never part of a statement.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Row, TransactionBehavior, types::Type};

use super::{Offset, Stored, unsigned};
use crate::ws::{Message, Text};

/// How long to wait for another process that holds the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const TEXT: i64 = 0;
const BINARY: i64 = 1;

/// What leads from each version of the tables to the next. They are never changed, only added to: files of any version
/// are brought to the last one.
const STEPS: [&str; 2] = [ROOMS_AND_MESSAGES, KEYS_AND_CURSORS];

/// Rooms by their names as bytes: no collation has a say. What `last` and `at` say stays when messages are dropped.
const ROOMS_AND_MESSAGES: &str = "
    CREATE TABLE sockeye_version (version INTEGER NOT NULL) STRICT;
    INSERT INTO sockeye_version VALUES (0);
    CREATE TABLE sockeye_room (
        id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, last INTEGER NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sockeye_message (
        room INTEGER NOT NULL, offset INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL,
        payload BLOB NOT NULL, PRIMARY KEY (room, offset)
    ) STRICT, WITHOUT ROWID;
";
const KEYS_AND_CURSORS: &str = "
    ALTER TABLE sockeye_message ADD COLUMN key BLOB;
    CREATE UNIQUE INDEX sockeye_message_key ON sockeye_message (room, key) WHERE key IS NOT NULL;
    CREATE TABLE sockeye_cursor (
        room INTEGER NOT NULL, user BLOB NOT NULL, offset INTEGER NOT NULL, PRIMARY KEY (room, user)
    ) STRICT, WITHOUT ROWID;
";

pub(super) const ROOM: &str = "SELECT id, last, at FROM sockeye_room WHERE name = ?1";
pub(super) const HEAD: &str = "SELECT last FROM sockeye_room WHERE name = ?1";
pub(super) const ADD_ROOM: &str = "INSERT INTO sockeye_room (name, last, at) VALUES (?1, 0, 0)";
pub(super) const SET_LAST: &str = "UPDATE sockeye_room SET last = ?2, at = ?3 WHERE id = ?1";
pub(super) const ADD: &str =
    "INSERT INTO sockeye_message (room, offset, at, kind, payload, key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub(super) const OF_KEY: &str = "SELECT offset, at, kind, payload FROM sockeye_message WHERE room = ?1 AND key = ?2";
/// The oldest that is kept: in a room time does not go back, and so the first that is young enough is the one.
pub(super) const FIRST: &str =
    "SELECT offset FROM sockeye_message WHERE room = ?1 AND offset > ?2 AND at >= ?3 ORDER BY offset LIMIT 1";
pub(super) const AFTER: &str = "SELECT offset, at, kind, payload FROM sockeye_message
    WHERE room = ?1 AND offset > ?2 AND offset >= ?3 ORDER BY offset LIMIT ?4";
pub(super) const BEFORE: &str = "SELECT offset, at, kind, payload FROM sockeye_message
    WHERE room = ?1 AND offset < ?2 AND offset >= ?3 ORDER BY offset DESC LIMIT ?4";
pub(super) const TRIM: &str = "DELETE FROM sockeye_message WHERE room = ?1 AND offset < ?2";
/// Changes nothing if the cursor is there already, or nothing was read.
pub(super) const MARK: &str = "INSERT INTO sockeye_cursor (room, user, offset) SELECT ?1, ?2, ?3 WHERE ?3 > 0
    ON CONFLICT DO UPDATE SET offset = excluded.offset WHERE excluded.offset > offset";
pub(super) const CURSOR: &str = "SELECT offset FROM sockeye_cursor WHERE room = ?1 AND user = ?2";
pub(super) const CURSORS: &str = "SELECT user, sockeye_cursor.offset FROM sockeye_cursor
    JOIN sockeye_room ON sockeye_room.id = room WHERE name = ?1 ORDER BY 2 DESC, 1 LIMIT ?2";
/// What was not there before is written, so that a full disk is noticed.
pub(super) const TRY: &str = "UPDATE sockeye_version SET version = version";
pub(super) const SOME_ROOMS: &str = "SELECT id, last FROM sockeye_room WHERE id > ?1 ORDER BY id LIMIT 100";

/// A connection that may write. The tables are made, or brought to this version.
pub(super) fn open(path: &Path) -> Result<Connection, String> {
    let mut connection = Connection::open(path).map_err(|error| error.to_string())?;
    let version = set_up(&mut connection).map_err(|error| error.to_string())?;
    if version > STEPS.len() {
        let known = STEPS.len();
        return Err(format!("expected its tables to be of version {known} or older, they are of version {version}"));
    }
    Ok(connection)
}

/// Gives the version of the tables.
fn set_up(connection: &mut Connection) -> rusqlite::Result<usize> {
    connection.busy_timeout(PATIENCE)?;
    // SQLite answers with the mode that it has taken.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version(&transaction)?;
    let Some(steps @ [_, ..]) = STEPS.get(version..) else { return Ok(version) };
    steps.iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.execute("UPDATE sockeye_version SET version = ?1", [STEPS.len() as i64])?;
    transaction.commit()?;
    Ok(STEPS.len())
}

/// 0: there are no tables yet.
fn version(connection: &Connection) -> rusqlite::Result<usize> {
    if !connection.table_exists(None, "sockeye_version")? {
        return Ok(0);
    }
    connection
        .query_row("SELECT version FROM sockeye_version", [], |row| row.get::<_, i64>(0))
        .map(|version| version as usize)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Draft, History, Span, SqliteHistory};

    /// What version 1 has made, word for word.
    const FIRST_VERSION: &str = "
        CREATE TABLE IF NOT EXISTS sockeye_version (version INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS sockeye_room (
            id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, last INTEGER NOT NULL, at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS sockeye_message (
            room INTEGER NOT NULL, offset INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL,
            payload BLOB NOT NULL, PRIMARY KEY (room, offset)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO sockeye_version SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sockeye_version);
        INSERT INTO sockeye_room VALUES (7, x'61', 3, 1000);
        INSERT INTO sockeye_message VALUES (7, 2, 900, 0, x'74776f'), (7, 3, 1000, 1, x'0102');
    ";

    #[tokio::test]
    async fn files_of_older_versions_are_brought_up_to_date() {
        let folder = std::env::temp_dir().join(format!("sockeye-schema-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("history.db");
        Connection::open(&path).unwrap().execute_batch(FIRST_VERSION).unwrap();
        for round in 0..2 {
            let history = SqliteHistory::open(&path).unwrap();
            let page = history.read("a", Span::Latest, 2 + round).await.unwrap();
            let stored = [
                Stored::new(Offset(2), 900, Message::text("two")),
                Stored::new(Offset(3), 1000, Message::binary([1, 2].as_slice())),
            ];
            assert_eq!(page.messages[..2], stored);
            let draft = Draft::new(Message::text("four")).key("k");
            let appended = history.append("a", vec![draft]).await.unwrap();
            assert_eq!((appended[0].stored.offset, appended[0].is_new), (Offset(4), round == 0));
            assert_eq!(history.mark_read("a", "ann", Offset(9)).await.unwrap().offset, Offset(4));
        }
        let newer = Connection::open(&path).unwrap();
        newer.execute_batch("UPDATE sockeye_version SET version = 99").unwrap();
        let error = SqliteHistory::open(&path).unwrap_err().to_string();
        assert!(error.contains("of version 2 or older, they are of version 99"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
