//! An end for answers that nobody reads: hyper waits for its client for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

/// How long the peer has taken nothing. The clock runs only while something waits to leave.
#[derive(Debug)]
pub(super) struct Stall {
    limit: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, until: None }
    }

    /// Passes on what a write gave, or an error once too many have given nothing for too long.
    pub(super) fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        until.as_mut().poll(cx).map(|()| Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
    }
}
