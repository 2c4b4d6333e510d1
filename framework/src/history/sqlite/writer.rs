//! The one thread that writes.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::{mpsc, oneshot};

use super::{Offset, Retention, Stored, now, schema, signed, unsigned};
use crate::ws::Message;

/// Appends that go into one transaction, at most.
const BATCH: usize = 64;
/// Time between two looks at rooms that nobody writes to, for what is too old.
const SWEEP: Duration = Duration::from_secs(1);

/// Messages to be stored, and who waits for it.
pub(super) struct Job {
    pub(super) room: Box<str>,
    pub(super) messages: Vec<Message>,
    pub(super) reply: oneshot::Sender<Result<Vec<Stored>, String>>,
}

pub(super) struct Writer {
    path: PathBuf,
    retention: Retention,
    /// None after an error: the next append has a new one.
    connection: Option<Connection>,
    /// Where among the rooms the next look starts, and when the last was.
    swept: i64,
    swept_at: Instant,
}

impl Writer {
    pub(super) fn new(path: PathBuf, retention: Retention, connection: Connection) -> Self {
        Self { path, retention, connection: Some(connection), swept: 0, swept_at: Instant::now() }
    }

    /// Writes until nobody can append any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        while jobs.blocking_recv_many(&mut batch, BATCH) > 0 {
            self.write(std::mem::take(&mut batch));
            if self.swept_at.elapsed() >= SWEEP {
                self.sweep();
            }
        }
    }

    /// All in one transaction. Where that fails, each has one of its own: none fails because of another.
    fn write(&mut self, batch: Vec<Job>) {
        match self.commit(&batch) {
            Ok(stored) => batch.into_iter().zip(stored).for_each(|(job, stored)| answer(job, Ok(stored))),
            Err(error) if batch.len() == 1 => batch.into_iter().for_each(|job| answer(job, Err(error.clone()))),
            Err(_) => batch.into_iter().for_each(|job| self.write(vec![job])),
        }
    }

    fn commit(&mut self, batch: &[Job]) -> Result<Vec<Vec<Stored>>, String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open(&self.path)?,
        };
        let stored = append(&mut connection, &self.retention, batch).map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(stored)
    }

    /// Deletes what is too old in some of the rooms.
    fn sweep(&mut self) {
        self.swept_at = Instant::now();
        let Some(connection) = &mut self.connection else { return };
        match sweep(connection, &self.retention, self.swept) {
            Ok(swept) => self.swept = swept,
            Err(error) => {
                tracing::warn!("what is too old in {} was not deleted: {error}", self.path.display());
                self.connection = None;
            }
        }
    }
}

/// Who does not wait any more has nobody to be told.
fn answer(job: Job, stored: Result<Vec<Stored>, String>) {
    drop(job.reply.send(stored));
}

fn append(connection: &mut Connection, retention: &Retention, batch: &[Job]) -> rusqlite::Result<Vec<Vec<Stored>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let now = now();
    let stored = batch.iter().map(|job| append_one(&transaction, retention, job, now));
    let stored = stored.collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(stored)
}

fn append_one(
    transaction: &Transaction<'_>,
    retention: &Retention,
    job: &Job,
    now: u64,
) -> rusqlite::Result<Vec<Stored>> {
    let name = job.room.as_bytes();
    let known = transaction
        .prepare_cached(schema::ROOM)?
        .query_row([name], |row| Ok((row.get(0)?, unsigned(row.get(1)?), unsigned(row.get(2)?))))
        .optional()?;
    let (room, mut last, at): (i64, u64, u64) = match known {
        Some(known) => known,
        None => (transaction.prepare_cached(schema::ADD_ROOM)?.insert([name])?, 0, 0),
    };
    let at = at.max(now);
    let mut add = transaction.prepare_cached(schema::ADD)?;
    let mut stored = Vec::with_capacity(job.messages.len());
    for message in &job.messages {
        last += 1;
        add.execute(params![room, signed(last), signed(at), schema::kind(message), message.as_bytes()])?;
        stored.push(Stored::new(Offset(last), at, message.clone()));
    }
    transaction.prepare_cached(schema::SET_LAST)?.execute(params![room, signed(last), signed(at)])?;
    trim(transaction, retention, room, last, now)?;
    Ok(stored)
}

/// Deletes what a room does not keep.
fn trim(transaction: &Transaction<'_>, retention: &Retention, room: i64, last: u64, now: u64) -> rusqlite::Result<()> {
    if *retention == Retention::all() {
        return Ok(());
    }
    let first: Option<i64> = transaction
        .prepare_cached(schema::FIRST)?
        .query_row(params![room, signed(retention.gone(last)), signed(retention.oldest(now))], |row| row.get(0))
        .optional()?;
    let first = first.unwrap_or(signed(last) + 1);
    transaction.prepare_cached(schema::TRIM)?.execute(params![room, first]).map(drop)
}

/// Gives the room from which on the next look goes.
fn sweep(connection: &mut Connection, retention: &Retention, from: i64) -> rusqlite::Result<i64> {
    if *retention == Retention::all() {
        return Ok(0);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rooms: Vec<(i64, i64)> = transaction
        .prepare_cached(schema::SOME_ROOMS)?
        .query_map([from], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let now = now();
    for (room, last) in &rooms {
        trim(&transaction, retention, *room, unsigned(*last), now)?;
    }
    transaction.commit()?;
    Ok(rooms.last().map_or(0, |(room, _)| *room))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nobody reads and nobody writes to goes too, a few rooms at a time.
    #[test]
    fn old_messages_of_quiet_rooms_are_deleted() {
        let mut connection = schema::open(std::path::Path::new(":memory:")).unwrap();
        let job = |room: u32| {
            let (reply, _) = oneshot::channel();
            Job { room: room.to_string().into(), messages: vec![Message::text("x"); 2], reply }
        };
        let jobs: Vec<_> = (0..150).map(job).collect();
        append(&mut connection, &Retention::all(), &jobs).unwrap();
        let count = |connection: &Connection| {
            let sql = "SELECT count(*) FROM sockeye_message";
            connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let young = Retention::all().age(Duration::from_secs(60));
        assert_eq!((sweep(&mut connection, &young, 0).unwrap(), count(&connection)), (100, 300));
        let old = Retention::all().age(Duration::ZERO);
        assert_eq!((sweep(&mut connection, &old, 0).unwrap(), count(&connection)), (100, 100));
        assert_eq!((sweep(&mut connection, &old, 100).unwrap(), count(&connection)), (150, 0));
        assert_eq!(sweep(&mut connection, &old, 150).unwrap(), 0);
        // The offsets go on.
        assert_eq!(append(&mut connection, &old, &[job(7)]).unwrap()[0][1].offset, Offset(4));
    }

    /// A message that can't be stored takes no other with it.
    #[test]
    fn each_fails_alone() {
        let folder = std::env::temp_dir().join(format!("sockeye-writer-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("history.db");
        let connection = schema::open(&path).unwrap();
        let trigger = "CREATE TRIGGER refuse BEFORE INSERT ON sockeye_message WHEN new.payload = x'62'
            BEGIN SELECT raise(ABORT, 'not b'); END";
        connection.execute_batch(trigger).unwrap();
        let mut writer = Writer::new(path, Retention::all(), connection);
        let (jobs, mut replies): (Vec<_>, Vec<_>) = ["a", "b", "c"]
            .into_iter()
            .map(|text| {
                let (reply, stored) = oneshot::channel();
                (Job { room: "room".into(), messages: vec![Message::binary(text)], reply }, stored)
            })
            .unzip();
        writer.write(jobs);
        let offsets = replies.iter_mut().map(|reply| reply.try_recv().unwrap().map(|stored| stored[0].offset));
        assert_eq!(offsets.collect::<Vec<_>>(), [Ok(Offset(1)), Err("not b".to_owned()), Ok(Offset(2))]);
        drop(writer);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
