//! The latest messages of rooms, in front of a store.

mod heads;
mod memory;
mod options;
#[cfg(feature = "redis")]
mod redis;
mod run;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, MutexGuard},
    time::Instant,
};

pub use self::options::RecentOptions;
use self::{heads::Heads, memory::Memory, run::Run};
use super::{Appended, Cursor, Draft, History, Offset, Page, Retention, Span, now};
use crate::{
    error::{Error, Result},
    rt::{BoxFuture, timeout},
    sync::{Mutex, lock},
};

/// How long even the only writer asks after an append of which nobody knows what became.
const DOUBT: Duration = Duration::from_secs(60);
/// How long who reads a room waits for another who does.
const PATIENCE: Duration = Duration::from_secs(5);
/// Rooms that are loaded from the store at a time, at most.
const LOADING: usize = 64;

/// Where runs are kept.
trait Shelf: Send + Sync {
    /// What there is of a room.
    fn get<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Option<Run>>;

    /// Adds what was read.
    fn merge<'a>(&'a self, room: &'a str, run: Run) -> BoxFuture<'a, ()>;

    /// Adds what was appended, now or soon.
    fn add<'a>(&'a self, room: &'a str, run: Run) -> BoxFuture<'a, ()> {
        self.merge(room, run)
    }

    fn forget<'a>(&'a self, room: &'a str) -> BoxFuture<'a, ()>;
}

/// A cache in front of any store: the latest messages of the rooms that are used.
///
/// It keeps 100 messages a room, unless [told](RecentOptions) otherwise, and gives pages of the latest messages and of what
/// came after an offset. Nothing else changes: what is appended goes to the store, and is acknowledged by it. So it pays
/// where many join the same rooms, or come back at once: instead of a page each, the store is asked for the last offsets
/// of all their rooms together.
///
/// # What it gives is what the store has
///
/// Before it gives a page it asks the store for the room's last offset. If it has not got all up to there, since another
/// process has written, it reads the store. It does not ask where it was told that [no other
/// process](RecentOptions::only_writer) writes. What the store [does not keep](History::retention) any more it does not
/// give either, by the clock of this machine.
///
/// # While the store is away
///
/// The latest messages can still be read, as far as they are here, after at most 2 s: reading goes on, and may be behind.
/// Everything else fails with the store's error.
///
/// ```
/// use sockeye::{App, MemoryHistory, RecentHistory};
///
/// let app = App::new().history(RecentHistory::new(MemoryHistory::new()));
/// # app.check().unwrap();
/// ```
#[derive(Clone)]
pub struct RecentHistory {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn History>,
    shelf: Box<dyn Shelf>,
    heads: Arc<Heads>,
    messages: usize,
    only_writer: bool,
    doubt: Mutex<Doubt>,
    loading: [Loading; LOADING],
    hasher: RandomState,
}

impl RecentHistory {
    /// Keeps the latest 100 messages of each room in memory, 64 MiB of them at most.
    pub fn new(store: impl History) -> Self {
        Self::with(store, RecentOptions::new())
    }

    /// Keeps messages in memory, with other options.
    pub fn with(store: impl History, options: RecentOptions) -> Self {
        let shelf = Memory::new(options.messages, options.memory);
        Self::over(store, Box::new(shelf), &options)
    }

    fn over(store: impl History, shelf: Box<dyn Shelf>, options: &RecentOptions) -> Self {
        let store: Arc<dyn History> = Arc::new(store);
        let shared = Shared {
            heads: Heads::new(store.clone()),
            store,
            shelf,
            messages: options.messages,
            only_writer: options.only_writer,
            doubt: Mutex::default(),
            loading: std::array::from_fn(|_| Loading::default()),
            hasher: RandomState::new(),
        };
        Self { shared: Arc::new(shared) }
    }
}

/// A place for one who loads a room.
#[derive(Default)]
struct Loading {
    place: AsyncMutex<()>,
    /// How many have.
    loaded: AtomicU64,
}

impl Loading {
    async fn take(&self) -> Result<MutexGuard<'_, ()>> {
        let late = |_| Error::storage(format!("expected the history to be read within {PATIENCE:?}, it was not"));
        timeout(PATIENCE, self.place.lock()).await.map_err(late)
    }
}

/// Whether something may be stored that was not acknowledged.
#[derive(Default)]
enum Doubt {
    #[default]
    None,
    /// An append has failed, and none has worked since.
    Failing,
    Until(Instant),
}

impl Shared {
    async fn append(&self, room: &str, drafts: Vec<Draft>) -> Result<Vec<Appended>> {
        let appended = self.store.append(room, drafts).await;
        self.note(appended.is_ok());
        let new = appended.iter().flatten().filter(|appended| appended.is_new);
        let run = Run::added(new.map(|appended| appended.stored.clone()));
        if !run.is_empty() {
            self.shelf.add(room, run).await;
        }
        appended
    }

    /// What has failed may be stored all the same, and later.
    fn note(&self, is_done: bool) {
        let mut doubt = lock(&self.doubt);
        match (is_done, &*doubt) {
            (false, _) => *doubt = Doubt::Failing,
            (true, Doubt::Failing) => *doubt = Doubt::Until(Instant::now() + DOUBT),
            (true, _) => {}
        }
    }

    /// Whether nobody can have stored anything without being seen.
    fn is_certain(&self) -> bool {
        self.only_writer
            && match *lock(&self.doubt) {
                Doubt::None => true,
                Doubt::Failing => false,
                Doubt::Until(until) => until < Instant::now(),
            }
    }

    async fn read(&self, room: &str, span: Span, limit: usize) -> Result<Page> {
        if matches!(span, Span::Before(_)) {
            return self.store.read(room, span, limit).await;
        }
        match self.page(room, span, limit).await {
            Err(error) if span == Span::Latest => {
                let run = self.shelf.get(room).await.unwrap_or_default();
                run.stale_page(limit, &self.store.retention(), now()).ok_or(error)
            }
            page => page,
        }
    }

    async fn page(&self, room: &str, span: Span, limit: usize) -> Result<Page> {
        if let Some(page) = self.find(room, span, limit).await? {
            return Ok(page);
        }
        if !self.is_recent(room, span).await {
            return self.store.read(room, span, limit).await;
        }
        // Of many who come at once, one reads the store.
        let loading = self.loading(room);
        let before = loading.loaded.load(Relaxed);
        let mut place = loading.take().await?;
        if loading.loaded.load(Relaxed) != before {
            // The others need the place no longer, and ask for the head together.
            drop(place);
            if let Some(page) = self.find(room, span, limit).await? {
                return Ok(page);
            }
            place = loading.take().await?;
        }
        let page = self.load(room, span, limit).await;
        loading.loaded.fetch_add(1, Relaxed);
        drop(place);
        page
    }

    /// The page, if all of it is here.
    async fn find(&self, room: &str, span: Span, limit: usize) -> Result<Option<Page>> {
        let Some(run) = self.shelf.get(room).await.filter(|run| !run.is_empty()) else { return Ok(None) };
        let head = if self.is_certain() { run.last() } else { self.heads.of(room).await? };
        if run.last() > head {
            // The store was emptied, or brought back to what it was.
            self.shelf.forget(room).await;
            return Ok(None);
        }
        Ok(run.page(span, limit, head, &self.store.retention(), now()))
    }

    /// Whether the span may be in what is kept here once that is up to date.
    async fn is_recent(&self, room: &str, span: Span) -> bool {
        match (span, self.shelf.get(room).await) {
            (Span::After(since), Some(run)) => since.get().saturating_add(1) >= run.first(),
            _ => true,
        }
    }

    fn loading(&self, room: &str) -> &Loading {
        &self.loading[self.hasher.hash_one(room) as usize % LOADING]
    }

    /// Reads the latest messages from the store, and keeps them.
    async fn load(&self, room: &str, span: Span, limit: usize) -> Result<Page> {
        let page = self.store.read(room, Span::Latest, self.messages.max(limit)).await?;
        let run = Run::latest(&page);
        let part = match span {
            Span::Latest => Some(cut(page, limit)),
            _ => run.page(span, limit, page.last.get(), &Retention::all(), 0),
        };
        if !run.is_empty() {
            self.shelf.merge(room, run).await;
        }
        match part {
            Some(page) => Ok(page),
            None => self.store.read(room, span, limit).await,
        }
    }
}

/// The latest of a page, so many.
fn cut(mut page: Page, limit: usize) -> Page {
    let beyond = page.messages.len().saturating_sub(Page::clamp(limit));
    page.more |= beyond > 0;
    page.messages.drain(..beyond);
    page
}

impl History for RecentHistory {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(self.shared.append(room, drafts))
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(self.shared.read(room, span, limit))
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        self.shared.store.heads(rooms)
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        self.shared.store.mark_read(room, user, offset)
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        self.shared.store.cursors(room)
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        self.shared.store.check()
    }

    fn retention(&self) -> Retention {
        self.shared.store.retention()
    }
}

impl fmt::Debug for RecentHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentHistory")
            .field("messages", &self.shared.messages)
            .field("only_writer", &self.shared.only_writer)
            .finish_non_exhaustive()
    }
}
