//! A room that somebody holds: joining, leaving, and the way of a message into the queue.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, OnceLock, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    task::yield_now,
    time::{Instant, sleep_until},
};

use super::{
    Presence, RoomOptions, RoomStats,
    cluster::Serving,
    lane::Lane,
    registry::Registry,
    state::{Newcomer, State, To},
};
use crate::{
    config::Overflow,
    error::{Error, Result},
    sync::{Mutex, MutexGuard, lock},
    ws::{
        CloseCode, Connection, Encoded, Tally,
        proto::{Prepared, Shape},
        scope,
    },
};

/// Bytes that a room's name may have.
pub(super) const MAX_NAME: usize = 1024;
/// Messages that may wait to be handed out, and as many times this many bytes.
const QUEUE: usize = 1024;
const QUEUE_UNIT: usize = 1024;
/// Graces that are ended at a time.
const GRACES: usize = 256;
/// Writes to sockets that cost a task one of the 128 operations that tokio lets it do in one turn.
const WRITES: usize = 2;

pub(super) struct Live {
    pub(super) name: Arc<str>,
    pub(super) registry: Arc<Registry>,
    pub(super) options: RoomOptions,
    /// What counts where neither the room nor a member's route says anything.
    pub(super) overflow: Overflow,
    /// Room in the queue; first come, first served.
    places: Arc<Semaphore>,
    state: Mutex<State>,
    /// Messages on their way to the store or from other nodes; there from the first on.
    pub(super) lane: OnceLock<Box<Lane>>,
    /// Whether the room has to do with other processes; there when it has, and somebody was here.
    pub(super) serving: OnceLock<Box<Serving>>,
    pub(super) tally: Arc<Tally>,
}

/// A member that has joined.
pub(super) struct Joined {
    pub(super) number: u64,
    pub(super) presence: Presence,
    /// The number of its welcome.
    pub(super) welcome: Option<u64>,
}

/// Whether a word of a user's has at most so many bytes.
pub(super) fn check_len(what: &str, word: &str, most: usize) -> Result<()> {
    let len = word.len();
    if len <= most {
        return Ok(());
    }
    Err(Error::limit(format!("expected {what} of at most {most} bytes, got one of {len}"), CloseCode::POLICY))
}

impl Live {
    pub(super) fn new(
        registry: Arc<Registry>,
        name: Arc<str>,
        options: Option<RoomOptions>,
        defaults: &RoomOptions,
    ) -> Self {
        Self {
            name,
            options: options.unwrap_or_default().or(defaults),
            overflow: defaults.overflow.unwrap_or_default(),
            places: Arc::new(Semaphore::new(QUEUE)),
            state: Mutex::default(),
            lane: OnceLock::new(),
            serving: OnceLock::new(),
            tally: Arc::new(Tally::below(registry.tally.clone())),
            registry,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What happens to this member when it is too slow.
    pub(super) fn overflow(&self, connection: &Connection) -> Overflow {
        self.options.overflow.or(connection.overflow).unwrap_or(self.overflow)
    }

    pub(super) fn check_name(&self) -> Result<()> {
        if self.name.is_empty() {
            return Err(Error::limit(
                "expected a room's name of at least one byte, got an empty one",
                CloseCode::POLICY,
            ));
        }
        check_len("a room's name", &self.name, MAX_NAME)
    }

    pub(super) fn join(
        self: &Arc<Self>,
        number: impl FnOnce() -> u64,
        connection: &Arc<Connection>,
        tally: &Arc<Tally>,
        newcomer: Newcomer,
    ) -> Result<Joined> {
        let mut state = self.state();
        let most = self.options.max_members.unwrap_or(usize::MAX);
        if state.members.len() >= most {
            return Err(Error::limit(format!("the room is full: it takes {most} members"), CloseCode::TRY_AGAIN));
        }
        if !connection.outbox().is_open() {
            drop(state);
            return Err(connection.disconnected());
        }
        if !state.counted {
            self.registry.open_room(connection.limits.max_rooms)?;
            state.counted = true;
        }
        // Under the lock: a room's members are in the order of their numbers.
        let number = number();
        let announce = self.options.announce.as_ref();
        let (presence, welcome) = state.join(number, connection.clone(), tally.clone(), newcomer, announce);
        drop(state);
        self.tell_others();
        self.drain();
        Ok(Joined { number, presence, welcome })
    }

    /// Without a runtime there is nobody to wait for the end of a grace: there is none.
    pub(super) fn leave(self: &Arc<Self>, number: u64) {
        let grace = self.options.grace.unwrap_or_default();
        let runtime = Handle::try_current().ok().filter(|_| grace > Duration::ZERO);
        let mut state = self.state();
        let until = runtime.as_ref().map(|_| Instant::now() + grace);
        state.leave(number, until, self.options.announce.as_ref());
        self.close_deserted(&mut state);
        let is_waiting = state.next_end_of_grace().is_some();
        if let Some(runtime) = runtime.filter(|_| is_waiting && !state.timing) {
            state.timing = true;
            drop(state);
            runtime.spawn(Timer { live: self.clone(), runs: true }.run());
        } else {
            drop(state);
        }
        self.tell_others();
        self.drain();
    }

    fn close_deserted(&self, state: &mut State) {
        if state.counted && state.is_deserted() {
            state.counted = false;
            self.registry.close_room();
        }
    }

    /// Encodes a message in the forms that the members want.
    pub(super) fn prepare(&self, message: &Encoded<'_>) -> Prepared {
        let shapes = self.state().shapes();
        self.prepare_for(message, shapes)
    }

    pub(super) fn prepare_for(&self, message: &Encoded<'_>, shapes: impl IntoIterator<Item = Shape>) -> Prepared {
        let prepared = Prepared::new(message.op, &message.payload, shapes);
        self.registry.compressions.fetch_add(prepared.runs() as u64, Ordering::Relaxed);
        prepared
    }

    /// Waits for room in the queue.
    pub(super) async fn place(&self, len: usize) -> Result<OwnedSemaphorePermit> {
        let units = (1 + len / QUEUE_UNIT).min(QUEUE) as u32;
        // It is never closed.
        Ok(self.places.clone().acquire_many_owned(units).await?)
    }

    /// The same without waiting, if there is room.
    pub(super) fn try_place(&self, len: usize) -> Option<OwnedSemaphorePermit> {
        let units = (1 + len / QUEUE_UNIT).min(QUEUE) as u32;
        self.places.clone().try_acquire_many_owned(units).ok()
    }

    /// Sends a message to some of the members, here and on other nodes. Gives the number of them that a single user has
    /// here.
    ///
    /// Cancel safety: dropped before the message is in the queue, nothing was sent; after it, all of it is.
    pub(super) async fn send(self: &Arc<Self>, message: &Encoded<'_>, to: To) -> Result<usize> {
        self.check_name()?;
        tokio::task::consume_budget().await;
        let prepared = self.prepare(message);
        let place = self.place(prepared.len()).await?;
        let whom = to.elsewhere();
        // At once, so that both happen or none.
        let queued = self.enqueue(prepared, to, place);
        let relay = self.relay(message, whom);
        let count = queued.map_or(0, |(_, count)| count);
        if let Some((number, _)) = queued {
            self.handed_out(number).await;
        }
        relay.told().await?;
        if !scope::is_open() {
            // A handler's poll has a share, and its writes come later. Any other task pays for what was written just now.
            for _ in 0..(count / WRITES).min(scope::FLUSHES_A_POLL) {
                tokio::task::consume_budget().await;
            }
        }
        Ok(count)
    }

    /// Waits until a message is in every outbox that it is for. One may wait for each.
    ///
    /// Cancel safety: nothing is lost.
    pub(super) async fn handed_out(self: &Arc<Self>, number: u64) {
        let _waiting = Waiting { live: self, number };
        poll_fn(|cx| {
            self.drain();
            if self.state().is_done(number, cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Puts a message into the queue, if there is anyone who may get it. Gives its number, and how many there are.
    pub(super) fn enqueue(&self, message: Prepared, to: To, place: OwnedSemaphorePermit) -> Option<(u64, usize)> {
        let mut state = self.state();
        let count = match &to {
            To::User(user) => state.members_of(user),
            _ => state.members.len() + state.feeds.len(),
        };
        (count > 0).then(|| (state.send(message, to, place), count))
    }

    pub(super) fn stats(&self) -> RoomStats {
        let state = self.state();
        RoomStats {
            connections: state.members.len(),
            users: state.presence.len(),
            messages: state.messages,
            messages_sent: state.sent,
            messages_lost: self.tally.lost(),
            waiting: state.waiting(),
        }
    }
}

/// A sender that waits for its message to be handed out.
struct Waiting<'a> {
    live: &'a Live,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.live.state().stop_waiting(self.number);
    }
}

/// Waits for the end of every grace in a room; there is one while there is any.
struct Timer {
    live: Arc<Live>,
    runs: bool,
}

impl Timer {
    async fn run(mut self) {
        while let Some(until) = self.next() {
            sleep_until(until).await;
            self.ring();
            // There may be more that are over.
            yield_now().await;
        }
    }

    fn ring(&self) {
        let mut state = self.live.state();
        state.end_grace(Instant::now(), GRACES, self.live.options.announce.as_ref());
        self.live.close_deserted(&mut state);
        drop(state);
        self.live.tell_others();
        self.live.drain();
    }

    fn next(&mut self) -> Option<Instant> {
        let mut state = self.live.state();
        let next = state.next_end_of_grace();
        self.runs = next.is_some();
        state.timing = self.runs;
        next
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.runs {
            // Its runtime ends: the next one that leaves starts another.
            self.live.state().timing = false;
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.registry.forget(&self.name);
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name).finish_non_exhaustive()
    }
}
