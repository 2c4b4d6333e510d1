//! A store that lives as long as the process.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    fmt,
};

use super::{History, Offset, Page, Retention, Span, Stored, now};
use crate::{
    error::Result,
    rt::BoxFuture,
    sync::{Mutex, lock},
    ws::Message,
};

/// What is kept of each room unless it is said otherwise.
const KEPT: u64 = 1000;
/// Appends between two looks at all rooms.
const SWEEP: u64 = 1024;

/// A store in memory: for tests, and where a room's past may go with the process.
///
/// Keeps the latest 1,000 messages of each room, unless it is [told](Self::with) otherwise. A room that was stored to once
/// keeps its name and its last offset, whatever else is dropped: some 100 bytes and the name.
///
/// ```
/// use sockeye::{App, MemoryHistory};
///
/// let app = App::new().history(MemoryHistory::new());
/// # app.check().unwrap();
/// ```
pub struct MemoryHistory {
    retention: Retention,
    rooms: Mutex<Rooms>,
}

#[derive(Default)]
struct Rooms {
    by_name: HashMap<Box<str>, Log>,
    appends: u64,
}

#[derive(Default)]
struct Log {
    last: u64,
    at: u64,
    messages: VecDeque<Stored>,
}

impl MemoryHistory {
    /// A store without messages, which keeps the latest 1,000 of each room.
    pub fn new() -> Self {
        Self::with(Retention::all().count(KEPT))
    }

    /// A store without messages, which keeps so much.
    pub fn with(retention: Retention) -> Self {
        Self { retention, rooms: Mutex::default() }
    }
}

impl Default for MemoryHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    fn append(&mut self, messages: Vec<Message>, now: u64) -> Vec<Stored> {
        self.at = self.at.max(now);
        let stored = |message| {
            self.last += 1;
            Stored::new(Offset(self.last), self.at, message)
        };
        let stored: Vec<_> = messages.into_iter().map(stored).collect();
        self.messages.extend(stored.iter().cloned());
        stored
    }

    fn trim(&mut self, retention: &Retention, now: u64) {
        let (gone, oldest) = (retention.gone(self.last), retention.oldest(now));
        let is_kept = |stored: &Stored| stored.offset.get() > gone && stored.millis() >= oldest;
        while self.messages.front().is_some_and(|stored| !is_kept(stored)) {
            self.messages.pop_front();
        }
        if self.messages.capacity() > 64 && self.messages.len() < self.messages.capacity() / 4 {
            self.messages.shrink_to(self.messages.len() * 2);
        }
    }

    fn read(&self, span: Span, limit: usize) -> Page {
        let first = self.messages.front().map_or(self.last + 1, |stored| stored.offset.get());
        // Offsets follow each other: an offset says where its message lies.
        let index = |offset: u64| usize::try_from(offset.saturating_sub(first)).unwrap_or(usize::MAX);
        let len = self.messages.len();
        let range = match span {
            Span::After(since) => index(since.get().saturating_add(1)).min(len)..len,
            Span::Before(before) => 0..index(before.get()).min(len),
            Span::Latest => 0..len,
        };
        let messages = self.messages.range(range).cloned().map(Ok::<_, Infallible>);
        let ends = (Offset(first), Offset(self.last));
        let Ok(page) = match span {
            Span::After(_) => Page::collect(messages, span, limit, ends),
            Span::Before(_) | Span::Latest => Page::collect(messages.rev(), span, limit, ends),
        };
        page
    }
}

impl History for MemoryHistory {
    fn append<'a>(&'a self, room: &'a str, messages: Vec<Message>) -> BoxFuture<'a, Result<Vec<Stored>>> {
        let now = now();
        let mut rooms = lock(&self.rooms);
        rooms.appends += 1;
        if rooms.appends % SWEEP == 0 {
            rooms.by_name.values_mut().for_each(|log| log.trim(&self.retention, now));
        }
        if !rooms.by_name.contains_key(room) {
            rooms.by_name.insert(room.into(), Log::default());
        }
        let stored = rooms.by_name.get_mut(room).map(|log| {
            let stored = log.append(messages, now);
            log.trim(&self.retention, now);
            stored
        });
        drop(rooms);
        Box::pin(std::future::ready(Ok(stored.unwrap_or_default())))
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        let mut rooms = lock(&self.rooms);
        let page = match rooms.by_name.get_mut(room) {
            Some(log) => {
                log.trim(&self.retention, now());
                log.read(span, limit)
            }
            None => Log::default().read(span, limit),
        };
        drop(rooms);
        Box::pin(std::future::ready(Ok(page)))
    }
}

impl fmt::Debug for MemoryHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rooms = lock(&self.rooms).by_name.len();
        f.debug_struct("MemoryHistory")
            .field("retention", &self.retention)
            .field("rooms", &rooms)
            .finish_non_exhaustive()
    }
}
