//! A store that lives as long as the process.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    fmt,
    sync::Arc,
};

use super::{Appended, CURSORS, Cursor, Draft, History, Offset, Page, Retention, Span, Stored, now};
use crate::{
    error::Result,
    rt::BoxFuture,
    sync::{Mutex, lock},
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
    messages: VecDeque<Kept>,
    /// The offset of each message that has a key.
    keys: HashMap<Arc<str>, u64>,
    cursors: HashMap<Box<str>, u64>,
}

struct Kept {
    stored: Stored,
    key: Option<Arc<str>>,
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
    fn append(&mut self, drafts: Vec<Draft>, retention: &Retention, now: u64) -> Vec<Appended> {
        // First, since keys are forgotten with their messages.
        self.trim(retention, now);
        self.at = self.at.max(now);
        let appended = drafts.into_iter().map(|draft| self.add(draft)).collect();
        self.trim(retention, now);
        appended
    }

    fn add(&mut self, draft: Draft) -> Appended {
        let known = draft.key.as_deref().and_then(|key| self.keys.get(key));
        if let Some(kept) = known.and_then(|offset| self.messages.get(self.index(*offset))) {
            return Appended::new(kept.stored.clone(), false);
        }
        self.last += 1;
        let stored = Stored::new(Offset(self.last), self.at, draft.message);
        let key = draft.key.map(Arc::<str>::from);
        self.keys.extend(key.clone().map(|key| (key, self.last)));
        self.messages.push_back(Kept { stored: stored.clone(), key });
        Appended::new(stored, true)
    }

    fn trim(&mut self, retention: &Retention, now: u64) {
        let (gone, oldest) = (retention.gone(self.last), retention.oldest(now));
        let is_gone = |kept: &Kept| kept.stored.offset.get() <= gone || kept.stored.millis() < oldest;
        while self.messages.front().is_some_and(is_gone) {
            let key = self.messages.pop_front().and_then(|kept| kept.key);
            key.map(|key| self.keys.remove(&key));
        }
        if self.messages.capacity() > 64 && self.messages.len() < self.messages.capacity() / 4 {
            self.messages.shrink_to(self.messages.len() * 2);
            self.keys.shrink_to(self.messages.len() * 2);
        }
    }

    fn first(&self) -> u64 {
        self.messages.front().map_or(self.last + 1, |kept| kept.stored.offset.get())
    }

    /// Offsets follow each other: an offset says where its message lies.
    fn index(&self, offset: u64) -> usize {
        usize::try_from(offset.saturating_sub(self.first())).unwrap_or(usize::MAX)
    }

    fn read(&self, span: Span, limit: usize) -> Page {
        let len = self.messages.len();
        let range = match span {
            Span::After(since) => self.index(since.get().saturating_add(1)).min(len)..len,
            Span::Before(before) => 0..self.index(before.get()).min(len),
            Span::Latest => 0..len,
        };
        let messages = self.messages.range(range).map(|kept| Ok::<_, Infallible>(kept.stored.clone()));
        let ends = (Offset(self.first()), Offset(self.last));
        let Ok(page) = match span {
            Span::After(_) => Page::collect(messages, span, limit, ends),
            Span::Before(_) | Span::Latest => Page::collect(messages.rev(), span, limit, ends),
        };
        page
    }

    fn mark_read(&mut self, user: &str, offset: Offset) -> Cursor {
        let offset = offset.get().min(self.last);
        let known = self.cursors.get(user).copied().unwrap_or(0);
        if offset > known {
            self.cursors.insert(user.into(), offset);
        }
        Cursor::new(Offset(offset.max(known)), offset > known)
    }

    fn cursors(&self) -> Vec<(String, Offset)> {
        let mut cursors: Vec<_> = self.cursors.iter().map(|(user, offset)| (&**user, *offset)).collect();
        cursors.sort_unstable_by_key(|(user, offset)| (std::cmp::Reverse(*offset), *user));
        cursors.into_iter().take(CURSORS).map(|(user, offset)| (user.to_owned(), Offset(offset))).collect()
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl History for MemoryHistory {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        let now = now();
        let mut rooms = lock(&self.rooms);
        rooms.appends += 1;
        if rooms.appends % SWEEP == 0 {
            rooms.by_name.values_mut().for_each(|log| log.trim(&self.retention, now));
        }
        if !rooms.by_name.contains_key(room) {
            rooms.by_name.insert(room.into(), Log::default());
        }
        let appended = rooms.by_name.get_mut(room).map(|log| log.append(drafts, &self.retention, now));
        ready(appended.unwrap_or_default())
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        ready(match lock(&self.rooms).by_name.get_mut(room) {
            Some(log) => {
                log.trim(&self.retention, now());
                log.read(span, limit)
            }
            None => Log::default().read(span, limit),
        })
    }

    fn heads<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        let rooms = lock(&self.rooms);
        let head = |name: &Arc<str>| rooms.by_name.get(&**name).map_or(Offset::START, |log| Offset(log.last));
        ready(names.iter().map(head).collect())
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        let mut rooms = lock(&self.rooms);
        let cursor = rooms.by_name.get_mut(room).map(|log| log.mark_read(user, offset));
        ready(cursor.unwrap_or(Cursor::new(Offset::START, false)))
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        ready(lock(&self.rooms).by_name.get(room).map(Log::cursors).unwrap_or_default())
    }

    fn retention(&self) -> Retention {
        self.retention
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        ready(())
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
