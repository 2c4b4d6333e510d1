//! Sockets that tasks flush: those of a fan-out that is more than a poll's share.
//!
//! One list a thread, first come, first served. A socket that waits in it collects what is sent to it. So the turns are
//! short: those who hand out get far between two of them, and what they hand out leaves in few writes.

use std::{
    collections::VecDeque,
    iter,
    sync::{Arc, Mutex},
};

use tokio::{runtime::Handle, task::yield_now};

use super::Connection;
use crate::sync::lock;

/// Sockets that a task flushes before others get to run, if there is little for each.
const A_TURN: usize = 64;
/// Bytes that count like one more socket.
const FLUSH_BYTES: usize = 16 * 1024;
/// Sockets from which on a second task is worth its while.
const A_TASK: usize = 256;

thread_local! {
    static OWN: Arc<Mutex<List>> = Arc::default();
}

#[derive(Debug, Default)]
struct List {
    waiting: VecDeque<Arc<Connection>>,
    tasks: usize,
}

/// One that flushes what is in a list, wherever it runs.
struct Flusher {
    list: Arc<Mutex<List>>,
    /// It counts among the list's tasks.
    runs: bool,
}

/// Flushes sockets until so many writes are made. Whether all are done.
pub(super) fn flush_share(connections: &mut impl Iterator<Item = Arc<Connection>>, share: usize) -> bool {
    let mut spent = 0;
    while spent < share {
        let Some(connection) = connections.next() else { return true };
        let mut outbox = connection.outbox();
        spent += 1 + outbox.len() / FLUSH_BYTES;
        outbox.touched = false;
        Connection::flush_outside(&mut outbox);
    }
    false
}

/// Has tasks flush these sockets.
pub(super) fn flush_later(mut connections: impl ExactSizeIterator<Item = Arc<Connection>>) {
    if connections.len() == 0 {
        return;
    }
    let Ok(runtime) = Handle::try_current() else {
        // Nobody else is there to do it, and nobody to be kept waiting.
        flush_share(&mut connections, usize::MAX);
        return;
    };
    let list = OWN.with(Arc::clone);
    let mut state = lock(&list);
    state.waiting.extend(connections);
    let wanted = state.waiting.len().div_ceil(A_TASK).min(runtime.metrics().num_workers());
    let more = wanted.saturating_sub(state.tasks);
    state.tasks += more;
    drop(state);
    for _ in 0..more {
        runtime.spawn(Flusher { list: list.clone(), runs: true }.run());
    }
}

impl Flusher {
    async fn run(mut self) {
        while self.turn() {
            yield_now().await;
        }
    }

    /// Whether there is more to do.
    fn turn(&mut self) -> bool {
        flush_share(&mut iter::from_fn(|| lock(&self.list).waiting.pop_front()), A_TURN);
        let mut list = lock(&self.list);
        if list.waiting.is_empty() {
            // Under the lock: who puts the next socket there starts another.
            list.tasks -= 1;
            list.waiting.shrink_to(A_TASK);
            self.runs = false;
        }
        self.runs
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        if !self.runs {
            return;
        }
        // Its runtime ends.
        let mut list = lock(&self.list);
        list.tasks -= 1;
        let left = if list.tasks == 0 { std::mem::take(&mut list.waiting) } else { VecDeque::new() };
        drop(list);
        flush_share(&mut left.into_iter(), usize::MAX);
    }
}
