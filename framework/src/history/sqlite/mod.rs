//! A store in a file: SQLite.

mod schema;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::spawn_blocking,
};

use self::writer::{Job, Writer};
use super::{History, Offset, Page, Retention, Span, Stored, now};
use crate::{
    error::{Error, Result},
    rt::BoxFuture,
    sync::{Mutex, lock},
    ws::Message,
};

/// Appends that may wait for the writer; further ones wait for a place among these.
const QUEUE: usize = 64;
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
    jobs: mpsc::Sender<Job>,
    readers: Mutex<Vec<Connection>>,
    reading: Arc<Semaphore>,
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
        Ok(Self { shared: Arc::new(Shared { path, retention, jobs, readers, reading }) })
    }
}

impl Shared {
    fn page(&self, room: &str, span: Span, limit: usize) -> rusqlite::Result<Page> {
        let known = lock(&self.readers).pop();
        let mut connection = match known {
            Some(connection) => connection,
            None => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let connection = Connection::open_with_flags(&self.path, flags)?;
                connection.busy_timeout(schema::PATIENCE)?;
                connection
            }
        };
        let page = read(&mut connection, &self.retention, room, span, limit)?;
        // One that has failed is not used again.
        lock(&self.readers).push(connection);
        Ok(page)
    }
}

/// All of a page as of one moment.
fn read(
    connection: &mut Connection,
    retention: &Retention,
    room: &str,
    span: Span,
    limit: usize,
) -> rusqlite::Result<Page> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
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

/// SQLite's numbers have a sign; offsets and moments that large do not come to be.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl History for SqliteHistory {
    fn append<'a>(&'a self, room: &'a str, messages: Vec<Message>) -> BoxFuture<'a, Result<Vec<Stored>>> {
        Box::pin(async move {
            let ended = || Error::storage("the thread that writes to SQLite has ended");
            let (reply, stored) = oneshot::channel();
            let job = Job { room: room.into(), messages, reply };
            self.shared.jobs.send(job).await.map_err(|_| ended())?;
            let stored = stored.await.map_err(|_| ended())?;
            stored.map_err(|error| Error::storage(format!("can't store: {error}")))
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        let (shared, room) = (self.shared.clone(), Box::<str>::from(room));
        Box::pin(async move {
            // The permit goes along: the read goes on when nobody waits for it any more.
            let permit = shared.reading.clone().acquire_owned().await?;
            let page = spawn_blocking(move || {
                let _permit = permit;
                shared.page(&room, span, limit)
            });
            page.await?.map_err(|error| Error::storage(format!("can't read: {error}")))
        })
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
