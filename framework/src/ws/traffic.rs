//! Connections and messages of an app, counted: a slot for each of a few threads, so that counting is no contention.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::rt;

/// More threads than that share slots.
const SLOTS: usize = 16;

/// Sums over all connections that there are and were.
#[derive(Debug)]
pub(crate) struct Traffic {
    slots: [Slot; SLOTS],
}

/// What the threads of one slot have counted. Two cache lines, since processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot {
    opened: AtomicU64,
    closed: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    stray: AtomicU64,
}

/// What was counted up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) stray: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { slots: array::from_fn(|_| Slot::default()) }
    }
}

impl Traffic {
    fn slot(&self) -> &Slot {
        &self.slots[rt::thread_number() as usize % SLOTS]
    }

    pub(crate) fn opened(&self) {
        self.slot().opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.slot().closed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, count: u64) {
        if count > 0 {
            self.slot().sent.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn received(&self, count: u64) {
        if count > 0 {
            self.slot().received.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// An answer came that nobody waits for.
    pub(crate) fn stray(&self) {
        self.slot().stray.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |of: fn(&Slot) -> &AtomicU64| self.slots.iter().map(|slot| of(slot).load(Ordering::Relaxed)).sum();
        // First those that end: what is current must not seem negative.
        let closed = sum(|slot| &slot.closed);
        Totals {
            closed,
            opened: sum(|slot| &slot.opened),
            sent: sum(|slot| &slot.sent),
            received: sum(|slot| &slot.received),
            stray: sum(|slot| &slot.stray),
        }
    }
}
