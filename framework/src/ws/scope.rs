//! The publishing scope: sockets that are sent to in one poll are flushed together at its end.
//!
//! A write costs as much as a few dozen messages put into outboxes. So a poll has a share of each, and a large fan-out
//! goes on in tasks of its own, which yield.

use std::{cell::RefCell, sync::Arc};

use tokio::{runtime::Handle, task::yield_now};

use super::Connection;

/// Sockets that one poll flushes at most, if there is little for each.
pub(crate) const FLUSHES_A_POLL: usize = 128;
/// Bytes that count like one more socket.
const FLUSH_BYTES: usize = 16 * 1024;
/// Deliveries that one poll makes at most, if they are small.
pub(crate) const DELIVERIES_A_POLL: usize = 2048;
/// Sockets from which on a second task is worth its while.
const FLUSHES_A_TASK: usize = 256;

thread_local! {
    /// What the current poll has sent to other connections; `None` outside of a scope.
    static SCOPE: RefCell<Option<Published>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Published {
    touched: Vec<Arc<Connection>>,
    /// Deliveries that the poll may still make.
    share: usize,
}

/// Open while a driver polls its handler, or a room hands out messages; flushes when it is dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct PublishScope {
    outer: Option<Published>,
}

impl PublishScope {
    pub(crate) fn enter() -> Self {
        let own = Published { touched: Vec::new(), share: DELIVERIES_A_POLL };
        Self { outer: SCOPE.with_borrow_mut(|scope| scope.replace(own)) }
    }

    /// Enters one, unless the current poll is in one already.
    pub(crate) fn enter_first() -> Option<Self> {
        (!is_open()).then(Self::enter)
    }
}

impl Drop for PublishScope {
    fn drop(&mut self) {
        let own = SCOPE.with_borrow_mut(|scope| std::mem::replace(scope, self.outer.take()));
        if let Some(own) = own {
            flush(own.touched);
        }
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

/// Takes what was made off the current poll's share.
pub(crate) fn spend(deliveries: usize) {
    SCOPE.with_borrow_mut(|scope| {
        if let Some(own) = scope {
            own.share = own.share.saturating_sub(deliveries);
        }
    });
}

/// Flushes a poll's share, and has tasks flush the rest. Until its turn comes, a socket collects what is sent to it.
fn flush(touched: Vec<Arc<Connection>>) {
    let mut touched = touched.into_iter();
    flush_share(&mut touched);
    if touched.len() == 0 {
        return;
    }
    let Ok(runtime) = Handle::try_current() else {
        // Nobody else is there to do it, and nobody to be kept waiting.
        return while touched.len() > 0 {
            flush_share(&mut touched);
        };
    };
    let tasks = touched.len().div_ceil(FLUSHES_A_TASK).min(runtime.metrics().num_workers());
    let each = touched.len().div_ceil(tasks);
    for _ in 0..tasks {
        let mut part = Part(touched.by_ref().take(each).collect::<Vec<_>>().into_iter());
        runtime.spawn(async move {
            loop {
                flush_share(&mut part.0);
                if part.0.len() == 0 {
                    return;
                }
                yield_now().await;
            }
        });
    }
}

/// What one task has to flush.
struct Part(std::vec::IntoIter<Arc<Connection>>);

impl Drop for Part {
    /// Its runtime ends: the drivers of the sockets, which may run on another, do it.
    fn drop(&mut self) {
        for connection in &mut self.0 {
            let mut outbox = connection.outbox();
            outbox.touched = false;
            outbox.wake_driver();
        }
    }
}

fn flush_share(touched: &mut impl Iterator<Item = Arc<Connection>>) {
    let mut spent = 0;
    while spent < FLUSHES_A_POLL {
        let Some(connection) = touched.next() else { return };
        let mut outbox = connection.outbox();
        spent += 1 + outbox.len() / FLUSH_BYTES;
        outbox.touched = false;
        Connection::flush_outside(&mut outbox);
    }
}
