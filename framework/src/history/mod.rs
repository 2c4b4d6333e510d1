//! Stored messages: the port, and the stores that come with the crate.

mod draft;
mod memory;
mod page;
#[cfg(feature = "postgres")]
mod postgres;
mod recent;
mod retention;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod signed;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{
    fmt,
    num::ParseIntError,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, Result},
    rt::BoxFuture,
    ws::Message,
};

pub use self::{
    draft::{Appended, Cursor, Draft},
    memory::MemoryHistory,
    page::{Page, Span},
    recent::{RecentHistory, RecentOptions},
    retention::Retention,
};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresHistory, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteHistory;

/// The place of a stored message in its room: 1 for the first that the room ever stored, and one more for each that
/// follows, without a gap.
///
/// As JSON and as text it is its number, so that a client can give it back: in a query, or as
/// [`LastEventId`](crate::LastEventId).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(u64);

impl Offset {
    /// Before the first message.
    pub const START: Self = Self(0);

    /// The place with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for Offset {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl FromStr for Offset {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its place in the room.
    pub offset: Offset,
    /// When it was stored, in whole milliseconds of the store's clock. In a room it never goes back.
    pub at: SystemTime,
    /// What was published.
    pub message: Message,
}

impl Stored {
    /// For stores: a message, and when it was stored in milliseconds since 1970.
    pub fn new(offset: Offset, millis: u64, message: Message) -> Self {
        // A moment that no clock can show is as good as the beginning.
        let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH);
        Self { offset, at, message }
    }

    /// When it was stored, in milliseconds since 1970: what JavaScript's `new Date(…)` takes.
    pub fn millis(&self) -> u64 {
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// The message as the value that was published.
    ///
    /// # Errors
    ///
    /// If it is no JSON, or not of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.message.as_bytes()).map_err(Error::invalid_message)
    }
}

/// A store of messages: what [`App::history`](crate::App::history) takes.
///
/// Rooms are told apart by their names byte by byte; nothing in a name has a meaning. A store sees messages as they are,
/// and knows nothing of members. Another process may write to it at the same time: a room that finds offsets skipped
/// reads what lies between.
///
/// An error says what went wrong in words for the log, and stores nothing, unless it says that nobody knows:
/// [`Error::storage`] makes one.
pub trait History: Send + Sync + 'static {
    /// Stores messages of one room, in this order, all or none of them. Gives them back with their offsets, which follow
    /// each other and the room's last one, once they will outlive the process.
    ///
    /// A draft whose key the room has kept is not stored again: in its place comes the message that was stored then. The
    /// same goes for a key that comes twice in one call. A key is forgotten together with its message.
    ///
    /// A room asks for one thing at a time, with at most 256 messages. Dropped before it is done, all or none were stored.
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>>;

    /// Reads a part of what a room has kept. At most `limit` messages, of which the store may give fewer, but at least one
    /// if there is any.
    ///
    /// An offset beyond the last is no error: there is nothing after it.
    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>>;

    /// The last offset that each of the rooms has given out, in the order in which they are named; [`Offset::START`] for a
    /// room in which nothing was ever stored.
    ///
    /// A store that can answers all of it at once. By default each room is read by itself.
    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        Box::pin(async move {
            let mut heads = Vec::with_capacity(rooms.len());
            for room in rooms {
                heads.push(self.read(room, Span::Latest, 1).await?.last);
            }
            Ok(heads)
        })
    }

    /// Notes that a user has read a room up to an offset, and gives where the user is now. A cursor never goes back, and
    /// never beyond the room's last offset.
    ///
    /// By default an error: a store without cursors.
    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        let _ = (room, user, offset);
        Box::pin(async { Err(Error::storage(NO_CURSORS)) })
    }

    /// How far the users of a room have read, those who are furthest first and then by name; at most 10,000 of them.
    ///
    /// By default an error: a store without cursors.
    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        let _ = room;
        Box::pin(async { Err(Error::storage(NO_CURSORS)) })
    }

    /// What it keeps of each room: for who keeps a part of it elsewhere, as [`RecentHistory`] does.
    ///
    /// By default everything.
    fn retention(&self) -> Retention {
        Retention::all()
    }

    /// Whether the store can be written and read just now. Says why, if not.
    ///
    /// By default it tries to read.
    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.read("", Span::Latest, 1).await.map(drop) })
    }
}

const NO_CURSORS: &str = "expected a history that keeps how far users have read, this one does not";
/// Cursors that are given at once.
const CURSORS: usize = 10_000;

impl<H: History + ?Sized> History for Arc<H> {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        (**self).append(room, drafts)
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        (**self).read(room, span, limit)
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        (**self).heads(rooms)
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        (**self).mark_read(room, user, offset)
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        (**self).cursors(room)
    }

    fn retention(&self) -> Retention {
        (**self).retention()
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        (**self).check()
    }
}

/// Now, for a store that has no clock of its own.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
