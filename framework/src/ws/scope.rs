//! The publishing scope: sockets that a handler's poll has sent to are flushed together at its end.

use std::{cell::RefCell, sync::Arc};

use super::Connection;

thread_local! {
    /// The other connections that the current poll has sent to; `None` outside of a driver's poll.
    static TOUCHED: RefCell<Option<Vec<Arc<Connection>>>> = const { RefCell::new(None) };
}

/// Open while a driver polls its handler; flushes when it is dropped, also by a panic.
pub(crate) struct PublishScope {
    outer: Option<Vec<Arc<Connection>>>,
}

impl PublishScope {
    pub(crate) fn enter() -> Self {
        Self { outer: TOUCHED.with_borrow_mut(|touched| touched.replace(Vec::new())) }
    }
}

impl Drop for PublishScope {
    fn drop(&mut self) {
        let touched = TOUCHED.with_borrow_mut(|touched| std::mem::replace(touched, self.outer.take()));
        for connection in touched.unwrap_or_default() {
            let mut outbox = connection.outbox();
            outbox.touched = false;
            Connection::flush_outside(&mut outbox);
        }
    }
}

/// Leaves the flush of `connection` to the end of the current scope, if there is one.
pub(crate) fn defer(connection: &Arc<Connection>) -> bool {
    TOUCHED.with_borrow_mut(|touched| touched.as_mut().map(|list| list.push(connection.clone())).is_some())
}
