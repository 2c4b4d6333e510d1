//! The publishing scope: sockets that are sent to in one poll are flushed together at its end.
//!
//! A write costs as much as a few dozen messages put into outboxes. So a poll has a share of each, and a large fan-out
//! goes on in tasks of its own, which yield.

use std::{cell::RefCell, sync::Arc};

use super::{
    Connection,
    flusher::{flush_later, flush_share},
};

/// Sockets that one poll flushes at most, if there is little for each.
pub(crate) const FLUSHES_A_POLL: usize = 128;
/// Deliveries that one poll makes at most, if they are small.
pub(crate) const DELIVERIES_A_POLL: usize = 4096;

thread_local! {
    /// What the current poll has sent to other connections; `None` outside of a scope.
    static SCOPE: RefCell<Option<Published>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Published {
    touched: Vec<Arc<Connection>>,
    /// Deliveries that the poll may still make.
    share: usize,
    /// It is part of something large: more may come for the same sockets before they are flushed.
    wide: bool,
}

impl Published {
    fn flush(self) {
        let is_large = self.wide || self.touched.len() > FLUSHES_A_POLL;
        let mut touched = self.touched.into_iter();
        if !is_large {
            flush_share(&mut touched, FLUSHES_A_POLL);
        }
        flush_later(touched);
    }
}

/// Open while a driver polls its handler, or a room hands out messages; flushes when it is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct PublishScope {
    outer: Option<Published>,
}

impl PublishScope {
    pub(crate) fn enter() -> Self {
        let own = Published { touched: Vec::new(), share: DELIVERIES_A_POLL, wide: false };
        Self { outer: SCOPE.with_borrow_mut(|scope| scope.replace(own)) }
    }

    /// Sockets that it will flush.
    pub(crate) fn touched(&self) -> usize {
        SCOPE.with_borrow(|scope| scope.as_ref().map_or(0, |own| own.touched.len()))
    }

    /// Enters one, unless the current poll is in one already.
    pub(crate) fn enter_first() -> Option<Self> {
        (!is_open()).then(Self::enter)
    }
}

impl Drop for PublishScope {
    fn drop(&mut self) {
        let own = SCOPE.with_borrow_mut(|scope| std::mem::replace(scope, self.outer.take()));
        own.into_iter().for_each(Published::flush);
    }
}

/// Leaves the flush of `connection` to the end of the current scope, if there is one.
pub(crate) fn defer(connection: &Arc<Connection>) -> bool {
    SCOPE.with_borrow_mut(|scope| scope.as_mut().map(|own| own.touched.push(connection.clone())).is_some())
}

/// Whether the current poll is in a scope.
pub(crate) fn is_open() -> bool {
    SCOPE.with_borrow(Option::is_some)
}

/// Deliveries that the current poll may still make.
pub(crate) fn share() -> usize {
    SCOPE.with_borrow(|scope| scope.as_ref().map_or(0, |own| own.share))
}

/// Takes what was made at once off the current poll's share.
pub(crate) fn spend(deliveries: usize) {
    SCOPE.with_borrow_mut(|scope| {
        if let Some(own) = scope {
            own.share = own.share.saturating_sub(deliveries);
            own.wide |= deliveries > FLUSHES_A_POLL;
        }
    });
}
