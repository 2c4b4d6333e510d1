//! A store in a file: SQLite.

mod batch;
mod schema;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params, types::Type};
use tokio::{
    sync::{Semaphore, mpsc},
    task::spawn_blocking,
};

use self::{
    batch::Batch,
    writer::{Job, Task, Writer},
};
use super::{
    Appended, CURSORS, Cursor, Draft, History, Offset, Page, Retention, Span, Stored, now,
    signed::{signed, unsigned},
};
use crate::{
    error::{Error, Result},
    rt::BoxFuture,
    sync::{Mutex, lock},
};

/// What may wait for the writer; further ones wait for a place among these.
const QUEUE: usize = 64;
/// How long an append that has failed counts as what a check finds, unless another is stored meanwhile.
const LATELY: Duration = Duration::from_secs(5);
/// Reads at a time, and the connections that are kept for them.
const READERS: usize = 4;

/// A store in a file, which needs nothing installed: SQLite is part of the program (feature `sqlite`).
///
/// One thread writes. What waits for it goes into one transaction and so to the disk at once: the more publish at a time,
/// the less each waits. Reads have connections of their own and wait for no writer (write-ahead log).
///
/// # What survives
///
/// An append is acknowledged once the log was synced (`synchronous=FULL`): it survives the end of the process, `kill -9`,
/// and a loss of power as far as the disk keeps what it has confirmed. A transaction that did not come to its end is
/// undone when the file is next opened.
///
/// # Errors
///
/// A disk that is full, a file that can't be written, a lock that another process holds for more than 5 s: each publisher
/// whose message could not be stored gets an error of the kind [`Storage`](crate::ErrorKind::Storage), and nothing of its
/// message is stored. The next one tries again on a new connection; there is nothing to restart.
///
/// The file may be one that has other tables: the names of these here begin with `sockeye_`. Clones are the same store.
///
/// ```no_run
/// use sockeye::{App, SqliteHistory};
///
/// # fn main() -> sockeye::Result<()> {
/// let app = App::new().history(SqliteHistory::open("chat.db")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteHistory {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    retention: Retention,
    jobs: mpsc::Sender<Box<dyn Job>>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
    /// When the last append has failed, and why; `None` if it did not.
    failed: Mutex<Option<(Instant, String)>>,
}

impl SqliteHistory {
    /// Opens the file, or makes it. All messages are kept.
    ///
    /// # Errors
    ///
    /// If the file can't be opened or written, is no SQLite database, or was made by a newer version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Retention::all())
    }

    /// Opens the file, or makes it, and keeps so much of each room.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, retention: Retention) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let failed = |error| Error::storage(format!("can't open {} as a history: {error}", path.display()));
        let connection = schema::open(&path).map_err(failed)?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        let writer = Writer::new(path.clone(), retention, connection);
        let thread = std::thread::Builder::new().name("sockeye-sqlite".into());
        thread.spawn(move || writer.run(receiver)).map_err(|error| failed(error.to_string()))?;
        let (readers, reading) = (Mutex::default(), Arc::new(Semaphore::new(READERS)));
        Ok(Self { shared: Arc::new(Shared { path, retention, jobs, readers, reading, failed: Mutex::default() }) })
    }
}

impl Shared {
    fn reader(&self) -> rusqlite::Result<Connection> {
        if let Some(connection) = lock(&self.readers).pop() {
            return Ok(connection);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(schema::PATIENCE)?;
        Ok(connection)
    }

    /// Reads, all of it as of one moment.
    async fn read<T: Send + 'static>(
        self: Arc<Self>,
        read: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        // The permit goes along: the read goes on when nobody waits for it any more.
        let permit = self.reading.clone().acquire_owned().await?;
        let done = spawn_blocking(move || {
            let _permit = permit;
            let mut connection = self.reader()?;
            let done = read(&connection.transaction_with_behavior(TransactionBehavior::Deferred)?)?;
            // One that has failed is not used again.
            lock(&self.readers).push(connection);
            Ok(done)
        });
        done.await?.map_err(|error: rusqlite::Error| Error::storage(format!("can't read: {error}")))
    }

    /// Has the writer do it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let ended = || Error::storage("the thread that writes to SQLite has ended");
        let (task, outcome) = Task::new(work);
        self.jobs.send(task).await.map_err(|_| ended())?;
        let outcome = outcome.await.map_err(|_| ended())?;
        outcome.map_err(|error| Error::storage(format!("can't store: {error}")))
    }

    async fn append(&self, room: String, drafts: Vec<Draft>) -> Result<Vec<Appended>> {
        let appended = self.write(move |batch| batch.append(&room, &drafts)).await;
        *lock(&self.failed) = appended.as_ref().err().map(|error| (Instant::now(), error.to_string()));
        appended
    }

    /// What became of messages counts first: on a full disk there may be room for the little that a check writes, where
    /// there is none for a message.
    async fn check(&self) -> Result<()> {
        let failed = lock(&self.failed).clone().filter(|(at, _)| at.elapsed() < LATELY);
        match failed {
            Some((_, error)) => Err(Error::storage(error)),
            None => self.write(|batch| batch.check()).await,
        }
    }
}

fn page(
    transaction: &Transaction<'_>,
    retention: &Retention,
    room: &str,
    span: Span,
    limit: usize,
) -> rusqlite::Result<Page> {
    let known = transaction
        .prepare_cached(schema::ROOM)?
        .query_row([room.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, unsigned(row.get(1)?))))
        .optional()?;
    let Some((id, last)) = known else {
        let nothing = std::iter::empty::<rusqlite::Result<Stored>>();
        return Page::collect(nothing, span, limit, (Offset(1), Offset(0)));
    };
    let (gone, oldest) = (retention.gone(last), signed(retention.oldest(now())));
    let first: Option<i64> = transaction
        .prepare_cached(schema::FIRST)?
        .query_row(params![id, signed(gone), oldest], |row| row.get(0))
        .optional()?;
    let first = first.map_or(last + 1, unsigned);
    let (sql, bound) = match span {
        Span::After(since) => (schema::AFTER, since.get().max(first - 1)),
        Span::Before(before) => (schema::BEFORE, before.get()),
        Span::Latest => (schema::BEFORE, u64::MAX),
    };
    let mut statement = transaction.prepare_cached(sql)?;
    let most = Page::clamp(limit) + 1;
    let rows = statement.query_map(params![id, signed(bound), signed(first), signed(most as u64)], schema::stored)?;
    Page::collect(rows, span, limit, (Offset(first), Offset(last)))
}

fn head(transaction: &Transaction<'_>, room: &str) -> rusqlite::Result<Offset> {
    let mut head = transaction.prepare_cached(schema::HEAD)?;
    let last = head.query_row([room.as_bytes()], |row| row.get(0)).optional()?;
    Ok(Offset(last.map_or(0, unsigned)))
}

fn cursors(transaction: &Transaction<'_>, room: &str) -> rusqlite::Result<Vec<(String, Offset)>> {
    let mut cursors = transaction.prepare_cached(schema::CURSORS)?;
    let rows = cursors.query_map(params![room.as_bytes(), CURSORS as i64], |row| {
        let user = String::from_utf8(row.get(0)?);
        let user = user.map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, error.into()))?;
        Ok((user, Offset(unsigned(row.get(1)?))))
    })?;
    rows.collect()
}

impl History for SqliteHistory {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(self.shared.append(room.to_owned(), drafts))
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        let (room, retention) = (room.to_owned(), self.shared.retention);
        Box::pin(self.shared.clone().read(move |transaction| page(transaction, &retention, &room, span, limit)))
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        let rooms = rooms.to_vec();
        let read = move |transaction: &Transaction<'_>| rooms.iter().map(|room| head(transaction, room)).collect();
        Box::pin(self.shared.clone().read(read))
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        let (room, user) = (room.to_owned(), user.to_owned());
        Box::pin(self.shared.write(move |batch| batch.mark_read(&room, &user, offset)))
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        let room = room.to_owned();
        Box::pin(self.shared.clone().read(move |transaction| cursors(transaction, &room)))
    }

    fn retention(&self) -> Retention {
        self.shared.retention
    }

    /// What the last append has failed with, for 5 s. Otherwise writes as little as can be, and waits until it is on the disk.
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.shared.check())
    }
}

impl fmt::Debug for SqliteHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteHistory")
            .field("path", &self.shared.path)
            .field("retention", &self.shared.retention)
            .finish_non_exhaustive()
    }
}
