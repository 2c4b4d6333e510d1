//! The publishing scope: sockets that are sent to in one poll are flushed together at its end.
//!
//! A write costs as much as a few dozen messages put into outboxes. So a poll has a share of each, and a large fan-out
//! goes on in tasks of its own, which yield.

use std::{
    cell::{Cell, RefCell},
    mem,
    sync::Arc,
};

use super::{
    Connection,
    flusher::{flush_later, flush_share},
};

/// Sockets that one poll flushes at most, if there is little for each.
pub(crate) const FLUSHES_A_POLL: usize = 128;
/// Deliveries that one poll makes at most, if they are small.
pub(crate) const DELIVERIES_A_POLL: usize = 4096;

thread_local! {
    /// The current poll's scope; `None` outside of one.
    static SCOPE: Cell<Option<Scope>> = const { Cell::new(None) };
    /// The sockets that wait for the end of a scope: of nested ones those of the inner lie on top.
    static TOUCHED: RefCell<Vec<Arc<Connection>>> = const { RefCell::new(Vec::new()) };
}

/// What the current poll has sent to other connections. Plain data: nearly every poll has sent to none, and looks at
/// nothing else.
#[derive(Clone, Copy, Debug)]
struct Scope {
    /// So many of the last in [`TOUCHED`] are its own.
    touched: usize,
    /// Deliveries that the poll may still make.
    share: usize,
    /// It is part of something large: more may come for the same sockets before they are flushed.
    wide: bool,
}

impl Scope {
    fn flush(self) {
        let is_large = self.wide || self.touched > FLUSHES_A_POLL;
        let mut touched = self.take_touched().into_iter();
        if !is_large {
            flush_share(&mut touched, FLUSHES_A_POLL);
        }
        flush_later(touched);
    }

    fn take_touched(&self) -> Vec<Arc<Connection>> {
        TOUCHED.with_borrow_mut(|all| match all.len() - self.touched {
            // Nearly always. What has grown for many is not kept.
            0 => mem::take(all),
            outer => all.split_off(outer),
        })
    }
}

/// Open while a driver polls its handler, or a room hands out messages; flushes when it is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct PublishScope {
    outer: Option<Scope>,
}

impl PublishScope {
    pub(crate) fn enter() -> Self {
        let own = Scope { touched: 0, share: DELIVERIES_A_POLL, wide: false };
        Self { outer: SCOPE.replace(Some(own)) }
    }

    /// Sockets that it will flush.
    pub(crate) fn touched(&self) -> usize {
        SCOPE.get().map_or(0, |own| own.touched)
    }

    /// Enters one, unless the current poll is in one already.
    pub(crate) fn enter_first() -> Option<Self> {
        (!is_open()).then(Self::enter)
    }
}

impl Drop for PublishScope {
    fn drop(&mut self) {
        let own = SCOPE.replace(self.outer);
        own.filter(|own| own.touched > 0).into_iter().for_each(Scope::flush);
    }
}

/// Leaves the flush of `connection` to the end of the current scope, if there is one.
pub(crate) fn defer(connection: &Arc<Connection>) -> bool {
    let Some(own) = SCOPE.get() else { return false };
    // A thread that ends may have lost its list before what it still drops sends.
    if TOUCHED.try_with(|touched| touched.borrow_mut().push(connection.clone())).is_err() {
        return false;
    }
    SCOPE.set(Some(Scope { touched: own.touched + 1, ..own }));
    true
}

/// Whether the current poll is in a scope.
pub(crate) fn is_open() -> bool {
    SCOPE.get().is_some()
}

/// Deliveries that the current poll may still make.
pub(crate) fn share() -> usize {
    SCOPE.get().map_or(0, |own| own.share)
}

/// Takes what was made at once off the current poll's share.
pub(crate) fn spend(deliveries: usize) {
    if let Some(own) = SCOPE.get() {
        let (share, wide) = (own.share.saturating_sub(deliveries), own.wide || deliveries > FLUSHES_A_POLL);
        SCOPE.set(Some(Scope { share, wide, ..own }));
    }
}
