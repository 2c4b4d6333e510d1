//! The open sockets of an app: to close them when the server stops, and to learn what failed.

use std::{
    borrow::Borrow,
    collections::HashSet,
    fmt,
    hash::{Hash, Hasher},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, task::yield_now};

use super::{
    Connection,
    alarms::Alarms,
    failures::Failures,
    proto::{CloseCode, CloseFrame, release_spare_buffers},
    scope::FLUSHES_A_POLL,
    traffic::Traffic,
};
use crate::sync::lock;

/// All open sockets of an app.
#[derive(Default)]
pub(crate) struct Sockets {
    /// Locked when a socket opens or closes, and when the server stops.
    open: Mutex<HashSet<Open>>,
    next_id: AtomicU64,
    empty: Notify,
    pub(super) alarms: Arc<Alarms>,
    pub(crate) failures: Failures,
    pub(crate) traffic: Arc<Traffic>,
}

/// A connection under its id.
struct Open(Arc<Connection>);

impl Borrow<u64> for Open {
    fn borrow(&self) -> &u64 {
        &self.0.id
    }
}

impl Hash for Open {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id.hash(state);
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Open {}

/// Takes its connection off the list when the driver ends, however it ends.
pub(crate) struct Registration {
    pub(crate) sockets: Arc<Sockets>,
    id: u64,
}

impl Sockets {
    /// None yet; `traffic` counts them.
    pub(crate) fn new(traffic: Arc<Traffic>) -> Self {
        Self { traffic, ..Self::default() }
    }

    /// A number that no other connection of this app has.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn register(self: &Arc<Self>, connection: Arc<Connection>) -> Registration {
        let id = connection.id;
        self.traffic.opened();
        lock(&self.open).insert(Open(connection));
        Registration { sockets: self.clone(), id }
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Connection>> {
        lock(&self.open).get(&id).map(|open| open.0.clone())
    }

    /// All that are open now: a copy, since who closes one may find the list locked by its end.
    fn all(&self) -> Vec<Arc<Connection>> {
        lock(&self.open).iter().map(|open| open.0.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.open).len()
    }

    /// Tells every peer that the server goes away (RFC 6455 section 7.4.1, code 1001). Each is a write: others run in between.
    ///
    /// Cancel safety: some have been told.
    pub(crate) async fn close_all(&self) {
        let frame = CloseFrame { code: CloseCode::GOING_AWAY, reason: "the server is stopping".into() };
        for (at, some) in self.all().chunks(FLUSHES_A_POLL).enumerate() {
            if at > 0 {
                yield_now().await;
            }
            some.iter().for_each(|connection| connection.close(Some(&frame)));
        }
    }

    /// Ends what is left without asking.
    pub(crate) fn abort_all(&self) {
        self.all().iter().for_each(|connection| connection.abort());
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
        self.failures.note(connection.facts.peer(), connection.facts.uri().path(), message);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.sockets.traffic.closed();
        let mut open = lock(&self.sockets.open);
        open.remove(&self.id);
        if open.is_empty() {
            self.sockets.alarms.clear();
            release_spare_buffers();
            self.sockets.empty.notify_waiters();
        }
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sockets({} open)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::fake;

    /// A server with many sockets that stops lets those that it serves go on.
    #[tokio::test]
    async fn closing_all_goes_on_in_turns() {
        let sockets = Arc::<Sockets>::default();
        let open = |_| {
            let connection = fake::connection(sockets.next_id(), &Arc::default(), &sockets.traffic);
            (sockets.register(connection.clone()), connection)
        };
        let all: Vec<_> = (0..1000).map(open).collect();
        let closed = || all.iter().filter(|(_, connection)| !connection.outbox().is_open()).count();
        let mut closing = std::pin::pin!(sockets.close_all());
        let (mut before, mut turns) = (0, 0);
        std::future::poll_fn(|cx| {
            let polled = closing.as_mut().poll(cx);
            assert!(closed() - before <= FLUSHES_A_POLL, "{} at once", closed() - before);
            (before, turns) = (closed(), turns + 1);
            polled
        })
        .await;
        assert_eq!((before, turns), (1000, 1000usize.div_ceil(FLUSHES_A_POLL)));
    }
}
