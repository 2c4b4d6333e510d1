//! A store that several nodes share: PostgreSQL.

mod options;
mod schema;
mod server;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Mutex, time::timeout};
use tokio_postgres::{Row, types::FromSql};

pub use self::options::PostgresOptions;
use self::server::{Failure, Server};
use super::{
    Appended, CURSORS, Cursor, Draft, History, Offset, Page, Retention, Span, Stored,
    signed::{signed, unsigned},
};
use crate::{
    error::{Error, Result},
    rt::BoxFuture,
    ws::{Message, Text},
};

const TEXT: i16 = 0;
const BINARY: i16 = 1;
/// Time between two looks at rooms that nobody writes to, for what is too old.
const SWEEP: Duration = Duration::from_secs(1);
/// Rooms that one step of such a look has a look at.
const ROOMS: i64 = 100;
/// How long a check may take, whatever else may.
const CHECK: Duration = Duration::from_secs(3);

/// A store in PostgreSQL (feature `postgres`), which several nodes may share.
///
/// It connects when it is first used, and makes its tables by itself: their names, and those of its functions, begin with
/// `sockeye_`. It needs PostgreSQL 12 or newer, and connections that are its own for as long as they last: a pooler in
/// between has to pool sessions. Connections are not encrypted by it.
///
/// Each append is one statement, and so one round trip and one transaction. Offsets are given under a lock on the room's
/// row, which is held until the commit: they have no gap, whoever writes.
///
/// # What survives
///
/// An append is acknowledged after its commit, with `synchronous_commit` at least `on`: it survives what PostgreSQL
/// survives, with `fsync` on a loss of power.
///
/// # Errors
///
/// A server that is away, a lock that another holds, connections that are all busy: after 5 s at most, or what
/// [`PostgresOptions::patience`] says, each publisher that waits gets an error of the kind
/// [`Storage`](crate::ErrorKind::Storage), and nothing of its message is stored. There is nothing to restart: the next one
/// connects anew.
///
/// Where the connection ends before the answer to a commit has come, nobody knows whether the message is stored, and the
/// error says so. Members get it with the next message if it is. Who publishes with a [key](crate::Room::publish_keyed)
/// may ask again: then it is stored once, whatever had happened.
///
/// Clones are the same store.
///
/// ```
/// use sockeye::{App, PostgresHistory};
///
/// # fn main() -> sockeye::Result<()> {
/// let app = App::new().history(PostgresHistory::connect("postgres://chat@localhost/chat")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresHistory {
    shared: Arc<Shared>,
}

struct Shared {
    server: Server,
    retention: Retention,
    schema: Option<String>,
    /// When the last look was, and where among the rooms the next starts. Held as long as a look takes.
    swept: Arc<Mutex<(Instant, i64)>>,
}

impl PostgresHistory {
    /// The store at this address: a URL, or PostgreSQL's `host=… user=…`. Does not connect yet, so it can be away when the
    /// app starts; [`check`](History::check) asks whether it is there.
    ///
    /// # Errors
    ///
    /// If the address can't be read.
    pub fn connect(url: &str) -> Result<Self> {
        Self::connect_with(url, PostgresOptions::new())
    }

    /// The store at this address, with other options.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, options: PostgresOptions) -> Result<Self> {
        let server = Server::new(url, &options)?;
        let swept = Arc::new(Mutex::new((Instant::now(), 0)));
        let PostgresOptions { retention, schema, .. } = options;
        Ok(Self { shared: Arc::new(Shared { server, retention, schema, swept }) })
    }
}

impl Shared {
    /// What is kept of a room, for a statement: a count, and an age in milliseconds.
    fn kept(&self) -> (Option<i64>, Option<i64>) {
        let Retention { count, age } = self.retention;
        (count.map(signed), age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
    }

    async fn append(&self, room: &str, drafts: &[Draft]) -> Result<Vec<Appended>> {
        let kinds: Vec<_> = drafts.iter().map(|draft| kind(&draft.message)).collect();
        let payloads: Vec<_> = drafts.iter().map(|draft| draft.message.as_bytes()).collect();
        let keys: Vec<_> = drafts.iter().map(|draft| draft.key.as_deref().map(str::as_bytes)).collect();
        let (count, age) = self.kept();
        let name = room.as_bytes();
        let rows = self.server.query(schema::APPEND, &[&name, &kinds, &payloads, &keys, &count, &age]).await;
        let rows = rows.map_err(|failure| match failure {
            Failure::Undone(text) => Error::storage(format!("can't store: {text}")),
            Failure::Unknown(text) => Error::storage(format!("nobody knows whether it was stored: {text}")),
        })?;
        if rows.len() != drafts.len() {
            let text = format!("expected {} messages to be stored, {} were", drafts.len(), rows.len());
            return Err(Error::storage(text));
        }
        drafts.iter().zip(&rows).map(|(draft, row)| appended(draft, row)).collect()
    }

    /// Reads, or writes what may be written twice.
    async fn query(
        &self,
        sql: &'static str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<Row>> {
        let rows = self.server.query(sql, parameters).await;
        rows.map_err(|failure| Error::storage(format!("can't ask PostgreSQL: {}", failure.text())))
    }

    async fn page(&self, room: &str, span: Span, limit: usize) -> Result<Page> {
        let (sql, bound) = match span {
            Span::After(since) => (schema::AFTER, since.get()),
            Span::Before(before) => (schema::BEFORE, before.get()),
            Span::Latest => (schema::BEFORE, u64::MAX),
        };
        let ((count, age), limit) = (self.kept(), Page::clamp(limit));
        let (bytes, bound) = (Page::BYTES as i64, signed(bound));
        let rows = self.query(sql, &[&room.as_bytes(), &count, &age, &(limit as i64), &bytes, &bound]).await?;
        let ends = match rows.first() {
            Some(row) => (offset(row, 1)?, offset(row, 0)?),
            None => (Offset(1), Offset(0)),
        };
        // A room without messages in the span has one row, and no message in it.
        let fits = |row: &&Row| matches!(row.try_get(6), Ok(Some(true)));
        let mut page = Page::collect(rows.iter().filter(fits).map(|row| stored(row, 2)), span, limit, ends)?;
        page.more = rows.len() > page.messages.len().max(1);
        Ok(page)
    }

    async fn mark_read(&self, room: &str, user: &str, at: Offset) -> Result<Cursor> {
        let rows = self.query(schema::MARK_READ, &[&room.as_bytes(), &user.as_bytes(), &signed(at.get())]).await?;
        let row = rows.first().ok_or_else(|| Error::storage("expected where the user is, got nothing"))?;
        Ok(Cursor::new(offset(row, 0)?, get(row, 1)?))
    }

    async fn cursors(&self, room: &str) -> Result<Vec<(String, Offset)>> {
        let rows = self.query(schema::CURSORS, &[&room.as_bytes(), &(CURSORS as i64)]).await?;
        let cursor = |row: &Row| {
            let user = String::from_utf8(get(row, 0)?);
            Ok((user.map_err(|error| Error::storage(format!("expected a user's name: {error}")))?, offset(row, 1)?))
        };
        rows.iter().map(cursor).collect()
    }

    /// Has a look at what is too old, in rooms that nobody writes to as well, if it is time. It goes on, step by step, until
    /// all of it is deleted.
    fn sweep(self: &Arc<Self>) {
        let Ok(mut swept) = self.swept.clone().try_lock_owned() else { return };
        if self.retention == Retention::all() || swept.0.elapsed() < SWEEP {
            return;
        }
        let shared = self.clone();
        drop(tokio::spawn(async move {
            let (count, age) = shared.kept();
            loop {
                let rows = shared.query(schema::SWEEP, &[&swept.1, &count, &age]).await;
                match rows.and_then(|rows| rows.first().map_or(Ok(0), |row| get(row, 0))) {
                    Ok(0) => break,
                    Ok(next) => swept.1 = next,
                    Err(error) => {
                        tracing::warn!("what is too old in PostgreSQL was not deleted: {error}");
                        // Should it be one of these rooms, the others have their turn all the same.
                        *swept = (Instant::now(), swept.1 + ROOMS);
                        return;
                    }
                }
            }
            *swept = (Instant::now(), 0);
        }));
    }
}

fn kind(message: &Message) -> i16 {
    if message.is_text() { TEXT } else { BINARY }
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| Error::storage(format!("expected another answer of PostgreSQL: {error}")))
}

fn offset(row: &Row, column: usize) -> Result<Offset> {
    Ok(Offset(unsigned(get(row, column)?)))
}

/// A message from `number, at, kind, payload`, which begin at this column.
fn stored(row: &Row, column: usize) -> Result<Stored> {
    let payload: Vec<u8> = get(row, column + 3)?;
    let message = match get(row, column + 2)? {
        TEXT => Text::try_from(payload).map_err(|error| Error::storage(format!("expected a text: {error}")))?.into(),
        BINARY => Message::binary(payload),
        kind => return Err(Error::storage(format!("expected a message of kind 0 or 1, got {kind}"))),
    };
    Ok(Stored::new(offset(row, column)?, unsigned(get(row, column + 1)?), message))
}

/// What became of a draft, from `is_new, number, at, kind, payload`.
fn appended(draft: &Draft, row: &Row) -> Result<Appended> {
    let is_new: bool = get(row, 0)?;
    if !is_new {
        return Ok(Appended::new(stored(row, 1)?, false));
    }
    let stored = Stored::new(offset(row, 1)?, unsigned(get(row, 2)?), draft.message.clone());
    Ok(Appended::new(stored, true))
}

impl History for PostgresHistory {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            let appended = self.shared.append(room, &drafts).await?;
            self.shared.sweep();
            Ok(appended)
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.shared.page(room, span, limit))
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        Box::pin(async move {
            let names: Vec<_> = rooms.iter().map(|room| room.as_bytes()).collect();
            let rows = self.shared.query(schema::HEADS, &[&names]).await?;
            rows.iter().map(|row| offset(row, 0)).collect()
        })
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        Box::pin(self.shared.mark_read(room, user, offset))
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        Box::pin(self.shared.cursors(room))
    }

    fn retention(&self) -> Retention {
        self.shared.retention
    }

    /// Writes as little as can be, so that a server that only reads is noticed. Takes 3 s at most.
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            let late = |_| Error::storage(format!("expected PostgreSQL to answer within {CHECK:?}, it has not"));
            timeout(CHECK, self.shared.query(schema::CHECK, &[])).await.map_err(late)?.map(drop)
        })
    }
}

impl fmt::Debug for PostgresHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not its address, which may hold a password.
        f.debug_struct("PostgresHistory")
            .field("schema", &self.shared.schema)
            .field("retention", &self.shared.retention)
            .finish_non_exhaustive()
    }
}
