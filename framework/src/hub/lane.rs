//! A room's lane: what is stored here and what was stored elsewhere, on their way into the room's queue in the order of the
//! offsets.
//!
//! One at a time works on it, in one task while there is anything to do. It has one append under way; what is published
//! meanwhile goes with the next. What other nodes tell of goes into the queue if it is the next offset, is known if it is
//! no later, and else has the store read up to it. So members get exactly what is stored, whatever is told twice, late or
//! never.

mod scribe;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout_at},
};

use self::scribe::Scribe;
use super::{cluster::Relay, live::Live, state::To};
use crate::{
    error::{Error, Result},
    history::{Appended, Draft, History, Offset, Stored},
    sync::lock,
    ws::{Encoded, Message, Outbound},
};

/// Messages that may wait for the store, and as many times this many bytes; and as much again from other nodes.
const WAITING: usize = 1024;
const UNIT: usize = 1024;
/// Messages and about as many bytes that go to the store at once.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 1024 * 1024;
/// No room gets so many messages between two looks into the store.
const LEAP: u64 = 1_000_000;
/// How long a message waits for its turn: a store that is stuck gathers no queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is on its way into a room's queue.
#[derive(Debug)]
pub(super) struct Lane {
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    drafts: VecDeque<Pending>,
    /// From other nodes.
    arrivals: VecDeque<Arrival>,
    /// The bytes of these.
    bytes: usize,
    /// The store holds more than came.
    is_behind: bool,
    /// Somebody works: there is one at a time.
    is_busy: bool,
    /// It works on arrivals.
    takes_in: bool,
    /// All up to this offset went into the room's queue, or was stored before the room was served. Unknown when it is not.
    last: Option<u64>,
    /// That is what another node has said, while the store could not be read.
    is_told: bool,
}

#[derive(Debug)]
struct Pending {
    draft: Draft,
    /// Until when it may wait for its turn.
    deadline: Instant,
    receipt: Option<Receipt>,
    reply: oneshot::Sender<Result<Published>>,
    _place: OwnedSemaphorePermit,
}

/// What a member is told of its message, and which one.
pub(super) struct Receipt {
    pub(super) member: u64,
    pub(super) make: Box<MakeReceipt>,
}

type MakeReceipt = dyn FnOnce(&Appended) -> Result<Encoded<'static>> + Send;

#[derive(Debug)]
pub(super) struct Published {
    pub(super) appended: Appended,
    /// The number in the room's queue of what has to be handed out before the publisher may go on.
    pub(super) number: Option<u64>,
    /// What is still to be heard from the broker.
    pub(super) relay: Relay,
}

/// What another node has told.
#[derive(Debug)]
pub(super) enum Arrival {
    Stored(Stored),
    /// Something is stored there; it was too long for the broker.
    Head(u64),
    Message(Message, To),
}

impl Arrival {
    fn len(&self) -> usize {
        match self {
            Self::Stored(stored) => stored.message.len(),
            Self::Head(_) => 0,
            Self::Message(message, _) => message.len(),
        }
    }
}

/// What the one who works does next.
struct Work {
    arrivals: VecDeque<Arrival>,
    is_behind: bool,
    drafts: Vec<Pending>,
}

impl Lane {
    fn new() -> Box<Self> {
        Box::new(Self { places: Arc::new(Semaphore::new(WAITING)), waiting: Mutex::default() })
    }

    /// Puts something there. Whether somebody has to begin to work.
    fn put(&self, put: impl FnOnce(&mut Waiting)) -> bool {
        let mut waiting = lock(&self.waiting);
        put(&mut waiting);
        !std::mem::replace(&mut waiting.is_busy, true)
    }

    /// What is to be done next; nobody works any more if there is nothing.
    fn take(&self) -> Option<Work> {
        let mut waiting = lock(&self.waiting);
        let (mut drafts, mut bytes) = (Vec::new(), 0);
        while drafts.len() < BATCH && bytes < BATCH_BYTES {
            let Some(pending) = waiting.drafts.pop_front() else { break };
            bytes += pending.draft.message.len();
            drafts.push(pending);
        }
        waiting.bytes = 0;
        let arrivals = std::mem::take(&mut waiting.arrivals);
        let is_behind = std::mem::take(&mut waiting.is_behind);
        waiting.takes_in = !arrivals.is_empty();
        waiting.is_busy = is_behind || !(drafts.is_empty() && arrivals.is_empty());
        waiting.is_busy.then_some(Work { arrivals, is_behind, drafts })
    }

    /// Whether something of other nodes waits, or is on its way.
    fn takes_in(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.takes_in || !waiting.arrivals.is_empty()
    }

    fn last(&self) -> Option<u64> {
        lock(&self.waiting).last
    }

    /// Whether a stored message is the next to go into the queue, or later; then it does.
    fn claim(&self, offset: u64) -> bool {
        match &mut lock(&self.waiting).last {
            Some(last) if offset <= *last => return false,
            Some(last) => *last = offset,
            None => {}
        }
        true
    }
}

impl Live {
    fn lane(&self) -> &Lane {
        self.lane.get_or_init(Lane::new)
    }

    /// Whether it is known from which offset on members get what is stored.
    pub(super) fn is_based(&self) -> bool {
        self.lane.get().is_some_and(|lane| lane.last().is_some())
    }

    /// The room begins to be served, or is not any more: what was stored meanwhile is not for those who come.
    pub(super) fn rebase(&self) {
        self.lane.get().into_iter().for_each(|lane| lock(&lane.waiting).last = None);
    }

    /// Finds out from which offset on members get what is stored: who joins afterwards gets all that is stored from then on.
    pub(super) async fn base(&self, history: &dyn History) -> Result<()> {
        self.base_at(self.head(history).await?);
        Ok(())
    }

    pub(super) async fn head(&self, history: &dyn History) -> Result<u64> {
        let heads = history.heads(std::slice::from_ref(&self.name)).await?;
        let head = heads.first().ok_or_else(|| Error::storage("expected the history to give a room's last offset"))?;
        Ok(head.get())
    }

    /// Members get what is stored after this offset, unless it is known already from which on they do.
    pub(super) fn base_at(&self, head: u64) {
        self.base_on(head, false);
    }

    /// The same, with what another node has said, since the store can't be read.
    fn base_on(&self, head: u64, is_told: bool) {
        let mut waiting = lock(&self.lane().waiting);
        if waiting.last.is_none() {
            // Up to there nothing is handed out: who reads from the store has to read it.
            self.state().tail.begin(head);
            (waiting.last, waiting.is_told) = (Some(head), is_told);
        }
    }

    /// The store has this offset. If another node has spoken of one far beyond, that was none.
    fn check(&self, head: u64) {
        let Some(lane) = self.lane.get() else { return };
        let mut waiting = lock(&lane.waiting);
        if std::mem::take(&mut waiting.is_told) && waiting.last.is_some_and(|last| last > head.saturating_add(LEAP)) {
            tracing::warn!(
                room = &*self.name,
                "what the broker has told of is not stored: the room goes on after {head}"
            );
            self.state().tail.restart(head);
            waiting.last = Some(head);
        }
    }

    /// The store has this offset: whoever knows less has it read.
    pub(super) fn hear_of(self: &Arc<Self>, head: Offset) {
        self.check(head.get());
        match self.lane.get().and_then(|lane| lane.last()) {
            None => self.base_at(head.get()),
            Some(last) if last < head.get() => self.work(|waiting| waiting.is_behind = true),
            Some(_) => {}
        }
    }

    /// Stores a message, and puts it into the queue.
    ///
    /// Cancel safety: dropped while it waits for a place, nothing happens. After that all of it does.
    pub(super) async fn store(self: &Arc<Self>, draft: Draft, receipt: Option<Receipt>) -> Result<Published> {
        Handle::try_current()?;
        let units = (1 + draft.message.len() / UNIT).min(WAITING) as u32;
        let deadline = Instant::now() + PATIENCE;
        let places = self.lane().places.clone();
        let place = timeout_at(deadline, places.acquire_many_owned(units)).await.map_err(|_| late())??;
        let (reply, published) = oneshot::channel();
        let pending = Pending { draft, deadline, receipt, reply, _place: place };
        self.work(|waiting| waiting.drafts.push_back(pending));
        let ended = |_| Error::storage("the history has given no answer: it panicked, or its runtime has ended");
        published.await.map_err(ended)?
    }

    /// Takes what another node has told. Whether there was room for it: what is stored is read later if there was not.
    pub(super) fn take_in(self: &Arc<Self>, arrival: Arrival) -> bool {
        let arrival = match arrival {
            Arrival::Message(message, to) => match self.pass(message, to) {
                Some((message, to)) => Arrival::Message(message, to),
                None => return true,
            },
            arrival => arrival,
        };
        let mut is_taken = true;
        self.work(|waiting| {
            is_taken = waiting.arrivals.len() < WAITING && waiting.bytes <= WAITING * UNIT;
            if is_taken {
                waiting.bytes += arrival.len();
                waiting.arrivals.push_back(arrival);
            } else if !matches!(arrival, Arrival::Message(..)) {
                (waiting.is_behind, is_taken) = (true, true);
            }
        });
        is_taken
    }

    /// Puts a message into the queue at once, if nothing came before it that waits. Else gives it back.
    fn pass(self: &Arc<Self>, message: Message, to: To) -> Option<(Message, To)> {
        if !self.state().has_audience() {
            return None;
        }
        if self.lane.get().is_some_and(|lane| lane.takes_in()) {
            return Some((message, to));
        }
        let Some(place) = self.try_place(message.len()) else { return Some((message, to)) };
        self.enqueue(self.prepare(&encoded(&message)), to, place);
        self.drain();
        None
    }

    fn work(self: &Arc<Self>, put: impl FnOnce(&mut Waiting)) {
        if !self.lane().put(put) {
            return;
        }
        let scribe = Scribe { live: self.clone(), history: self.registry.history().ok(), works: true };
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(scribe.run()));
        }
    }
}

fn late() -> Error {
    Error::storage(format!(
        "expected the history to be ready for a message within {PATIENCE:?}, it was not: not stored"
    ))
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt(to {})", self.member)
    }
}

/// What came as a message of ours is one.
fn encoded(message: &Message) -> Encoded<'_> {
    let bytes = message.as_bytes();
    message.encode().unwrap_or_else(|_| Encoded::binary(bytes))
}
