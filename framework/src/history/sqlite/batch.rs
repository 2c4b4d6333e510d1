//! What is done within a transaction of the writer's.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{Appended, Cursor, Draft, Offset, Retention, Stored, now, schema, signed, unsigned};

/// A transaction that writes, at one moment.
pub(super) struct Batch<'c> {
    transaction: Transaction<'c>,
    retention: Retention,
    now: u64,
}

impl<'c> Batch<'c> {
    pub(super) fn begin(connection: &'c mut Connection, retention: Retention) -> rusqlite::Result<Self> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Self { transaction, retention, now: now() })
    }

    pub(super) fn commit(self) -> rusqlite::Result<()> {
        self.transaction.commit()
    }

    /// A room's number, its last offset, and the time of that.
    fn room(&self, name: &str) -> rusqlite::Result<Option<(i64, u64, u64)>> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, unsigned(row.get(1)?), unsigned(row.get(2)?)));
        self.transaction.prepare_cached(schema::ROOM)?.query_row([name.as_bytes()], row).optional()
    }

    pub(super) fn append(&self, name: &str, drafts: &[Draft]) -> rusqlite::Result<Vec<Appended>> {
        let (room, mut last, at) = match self.room(name)? {
            Some(known) => known,
            None => (self.transaction.prepare_cached(schema::ADD_ROOM)?.insert([name.as_bytes()])?, 0, 0),
        };
        if drafts.iter().any(|draft| draft.key.is_some()) {
            // Keys are forgotten with their messages.
            self.trim(room, last)?;
        }
        let at = at.max(self.now);
        let mut add = self.transaction.prepare_cached(schema::ADD)?;
        let mut appended = Vec::with_capacity(drafts.len());
        for Draft { message, key } in drafts {
            let key = key.as_deref().map(str::as_bytes);
            if let Some(stored) = self.of_key(room, key)? {
                appended.push(Appended::new(stored, false));
                continue;
            }
            last += 1;
            add.execute(params![room, signed(last), signed(at), schema::kind(message), message.as_bytes(), key])?;
            appended.push(Appended::new(Stored::new(Offset(last), at, message.clone()), true));
        }
        self.transaction.prepare_cached(schema::SET_LAST)?.execute(params![room, signed(last), signed(at)])?;
        self.trim(room, last)?;
        Ok(appended)
    }

    fn of_key(&self, room: i64, key: Option<&[u8]>) -> rusqlite::Result<Option<Stored>> {
        let Some(key) = key else { return Ok(None) };
        self.transaction.prepare_cached(schema::OF_KEY)?.query_row(params![room, key], schema::stored).optional()
    }

    pub(super) fn mark_read(&self, name: &str, user: &str, offset: Offset) -> rusqlite::Result<Cursor> {
        let Some((room, last, _)) = self.room(name)? else { return Ok(Cursor::new(Offset::START, false)) };
        let (user, offset) = (user.as_bytes(), offset.get().min(last));
        let marked = self.transaction.prepare_cached(schema::MARK)?.execute(params![room, user, signed(offset)])?;
        let mut cursor = self.transaction.prepare_cached(schema::CURSOR)?;
        let offset = cursor.query_row(params![room, user], |row| row.get(0)).optional()?;
        Ok(Cursor::new(Offset(offset.map_or(0, unsigned)), marked > 0))
    }

    /// Whether it can be written at all.
    pub(super) fn check(&self) -> rusqlite::Result<()> {
        self.transaction.execute(schema::TRY, []).map(drop)
    }

    /// Deletes what a room does not keep.
    fn trim(&self, room: i64, last: u64) -> rusqlite::Result<()> {
        if self.retention == Retention::all() {
            return Ok(());
        }
        let (gone, oldest) = (self.retention.gone(last), self.retention.oldest(self.now));
        let mut first = self.transaction.prepare_cached(schema::FIRST)?;
        let first = first.query_row(params![room, signed(gone), signed(oldest)], |row| row.get(0)).optional()?;
        let first: i64 = first.unwrap_or(signed(last) + 1);
        self.transaction.prepare_cached(schema::TRIM)?.execute(params![room, first]).map(drop)
    }

    /// Deletes what is too old in some of the rooms. Gives the room from which on the next look goes.
    pub(super) fn sweep(&self, from: i64) -> rusqlite::Result<i64> {
        if self.retention == Retention::all() {
            return Ok(0);
        }
        let rooms: Vec<(i64, i64)> = self
            .transaction
            .prepare_cached(schema::SOME_ROOMS)?
            .query_map([from], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        rooms.iter().try_for_each(|(room, last)| self.trim(*room, unsigned(*last)))?;
        Ok(rooms.last().map_or(0, |(room, _)| *room))
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::*;
    use crate::ws::Message;

    fn sweep(connection: &mut Connection, retention: Retention, from: i64) -> i64 {
        let batch = Batch::begin(connection, retention).unwrap();
        let next = batch.sweep(from).unwrap();
        batch.commit().unwrap();
        next
    }

    /// What nobody reads and nobody writes to goes too, a few rooms at a time.
    #[test]
    fn old_messages_of_quiet_rooms_are_deleted() {
        let mut connection = schema::open(Path::new(":memory:")).unwrap();
        let batch = Batch::begin(&mut connection, Retention::all()).unwrap();
        let drafts = vec![Draft::new(Message::text("x")); 2];
        for room in 0..150 {
            batch.append(&room.to_string(), &drafts).unwrap();
        }
        batch.commit().unwrap();
        let count = |connection: &Connection| {
            let sql = "SELECT count(*) FROM sockeye_message";
            connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let young = Retention::all().age(Duration::from_secs(60));
        assert_eq!((sweep(&mut connection, young, 0), count(&connection)), (100, 300));
        let old = Retention::all().age(Duration::ZERO);
        assert_eq!((sweep(&mut connection, old, 0), count(&connection)), (100, 100));
        assert_eq!((sweep(&mut connection, old, 100), count(&connection)), (150, 0));
        assert_eq!(sweep(&mut connection, old, 150), 0);
        // The offsets go on.
        let batch = Batch::begin(&mut connection, old).unwrap();
        assert_eq!(batch.append("7", &drafts).unwrap()[1].stored.offset, Offset(4));
    }
}
