//! What is kept.

use std::time::Duration;

/// How much of each room a store keeps. The oldest goes first; offsets go on as if nothing had gone.
///
/// ```
/// use std::time::Duration;
/// use sockeye::Retention;
///
/// let retention = Retention::all().count(10_000).age(Duration::from_secs(30 * 24 * 3600));
/// # assert_ne!(retention, Retention::all());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "it does nothing until a store gets it"]
pub struct Retention {
    pub(super) count: Option<u64>,
    pub(super) age: Option<Duration>,
}

impl Retention {
    /// Everything, for ever.
    pub fn all() -> Self {
        Self::default()
    }

    /// The latest messages, so many a room.
    pub fn count(mut self, messages: u64) -> Self {
        self.count = Some(messages);
        self
    }

    /// What is younger, by the store's clock. What is older is not read any more; it is deleted bit by bit whenever the
    /// store is written to.
    pub fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// The offset up to which nothing is kept, in a room whose last one is this.
    pub(super) fn gone(&self, last: u64) -> u64 {
        self.count.map_or(0, |count| last.saturating_sub(count))
    }

    /// The moment, in milliseconds, from which on a message is kept.
    pub(super) fn oldest(&self, now: u64) -> u64 {
        let age = self.age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
        // At the age itself it is too old: with none, nothing is kept.
        age.map_or(0, |age| now.saturating_sub(age).saturating_add(u64::from(age <= now)))
    }
}
