//! What may be chosen.

/// How much a [`RecentHistory`](super::RecentHistory) keeps, and whom it asks.
///
/// ```
/// use sockeye::{MemoryHistory, RecentHistory, RecentOptions};
///
/// let options = RecentOptions::new().messages(500).memory(256 * 1024 * 1024).only_writer();
/// let history = RecentHistory::with(MemoryHistory::new(), options);
/// # drop(history);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until a `RecentHistory` gets it"]
pub struct RecentOptions {
    pub(super) messages: usize,
    pub(super) memory: usize,
    pub(super) only_writer: bool,
    pub(super) prefix: String,
}

impl Default for RecentOptions {
    fn default() -> Self {
        Self { messages: 100, memory: 64 * 1024 * 1024, only_writer: false, prefix: "sockeye".to_owned() }
    }
}

impl RecentOptions {
    /// 100 messages a room, 64 MiB of memory; the store is asked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages of a room; at least one, at most 1,000, and about 1 MiB.
    pub fn messages(mut self, most: usize) -> Self {
        self.messages = most.clamp(1, 1000);
        self
    }

    /// Bytes of memory for all rooms together. Beyond it, those go that were used least lately. Redis has its own limit:
    /// `maxmemory`.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// No other process writes to the store, nor anything else in this one: what is kept here is all there is, and the
    /// store is not asked for it. After an append that has failed it is asked for a minute all the same. Not for a cache
    /// in Redis, which others write to.
    pub fn only_writer(mut self) -> Self {
        self.only_writer = true;
        self
    }

    /// What the names of the keys in Redis begin with, instead of `sockeye`: each store has one of its own.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }
}
