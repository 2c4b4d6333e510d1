//! Stored messages: the port, and the stores that come with the crate.

mod memory;
mod page;
mod retention;
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
    memory::MemoryHistory,
    page::{Page, Span},
    retention::Retention,
};
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
/// An error says what went wrong in words for the log, and stores nothing: [`Error::storage`] makes one.
pub trait History: Send + Sync + 'static {
    /// Stores messages of one room, in this order, all or none of them. Gives them back with their offsets, which follow
    /// each other and the room's last one, once they will outlive the process.
    ///
    /// A room asks for one thing at a time, with at most 256 messages. Dropped before it is done, all or none were stored.
    fn append<'a>(&'a self, room: &'a str, messages: Vec<Message>) -> BoxFuture<'a, Result<Vec<Stored>>>;

    /// Reads a part of what a room has kept. At most `limit` messages, of which the store may give fewer, but at least one
    /// if there is any.
    ///
    /// An offset beyond the last is no error: there is nothing after it.
    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>>;
}

impl<H: History + ?Sized> History for Arc<H> {
    fn append<'a>(&'a self, room: &'a str, messages: Vec<Message>) -> BoxFuture<'a, Result<Vec<Stored>>> {
        (**self).append(room, messages)
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        (**self).read(room, span, limit)
    }
}

/// Now, for a store that has no clock of its own.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
