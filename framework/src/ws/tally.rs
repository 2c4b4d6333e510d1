//! What a member, its room and its hub have been sent, and what was lost on the way.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts for one of them; losses count for those above it too.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    lost: AtomicU64,
    sent: AtomicU64,
    above: Option<Arc<Tally>>,
}

impl Tally {
    pub(crate) fn below(above: Arc<Tally>) -> Self {
        Self { above: Some(above), ..Self::default() }
    }

    /// A broadcast was dropped.
    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        if let Some(above) = &self.above {
            above.lose();
        }
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Broadcasts went into the outbox: counted here alone.
    pub(crate) fn send(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}
