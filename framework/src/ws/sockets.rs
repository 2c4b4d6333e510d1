//! The open sockets of an app: to close them when the server stops, and to learn what failed.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, task::AbortHandle};

use super::{
    Connection,
    failures::Failures,
    proto::{CloseCode, CloseFrame},
};
use crate::sync::lock;

/// All open sockets of an app.
#[derive(Default)]
pub(crate) struct Sockets {
    /// Locked when a socket opens or closes, and when the server stops.
    open: Mutex<HashMap<u64, Entry>>,
    next_id: AtomicU64,
    empty: Notify,
    pub(crate) failures: Failures,
}

struct Entry {
    connection: Arc<Connection>,
    task: Option<AbortHandle>,
}

/// Takes its connection off the list when the driver ends, however it ends.
pub(crate) struct Registration {
    pub(crate) sockets: Arc<Sockets>,
    id: u64,
}

impl Sockets {
    /// A number that no other connection of this app has.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn register(self: &Arc<Self>, connection: Arc<Connection>) -> Registration {
        let id = connection.id;
        lock(&self.open).insert(id, Entry { connection, task: None });
        Registration { sockets: self.clone(), id }
    }

    pub(crate) fn set_task(&self, id: u64, task: AbortHandle) {
        if let Some(entry) = lock(&self.open).get_mut(&id) {
            entry.task = Some(task);
        }
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.open).len()
    }

    /// Tells every peer that the server goes away (RFC 6455 section 7.4.1, code 1001).
    pub(crate) fn close_all(&self) {
        let frame = CloseFrame { code: CloseCode::GOING_AWAY, reason: "the server is stopping".into() };
        // Copied first: closing may end drivers, which take themselves off the list.
        let open: Vec<_> = lock(&self.open).values().map(|entry| entry.connection.clone()).collect();
        for connection in open {
            connection.close(Some(&frame));
        }
    }

    /// Ends what is left without asking.
    pub(crate) fn abort_all(&self) {
        let tasks: Vec<_> = lock(&self.open).values().filter_map(|entry| entry.task.clone()).collect();
        tasks.iter().for_each(AbortHandle::abort);
    }

    /// Waits until no socket is open.
    ///
    /// Cancel safety: nothing is lost.
    pub(crate) async fn all_closed(&self) {
        loop {
            let notified = self.empty.notified();
            if self.len() == 0 {
                return;
            }
            notified.await;
        }
    }

    /// A handler failed: logged once, and kept for a test client.
    pub(crate) fn failed(&self, connection: &Connection, message: &str) {
        tracing::error!(
            path = connection.facts.uri().path(),
            connection = connection.id,
            "a handler failed: {message}"
        );
        self.failures.note(connection.facts.peer, connection.facts.uri().path(), message);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = lock(&self.sockets.open);
        open.remove(&self.id);
        if open.is_empty() {
            self.sockets.empty.notify_waiters();
        }
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sockets({} open)", self.len())
    }
}
