//! A hub as one of several nodes: rooms whose members are spread over processes that share a broker.
//!
//! One task does it all, the supervisor: it connects and connects again, publishes what waits in the queue, and takes in
//! what comes. Nobody waits for it but those who open a room, and those who publish from outside of a server.

mod gossip;
mod health;
mod incoming;
mod leases;
mod leaving;
mod link;
mod outgoing;
mod rooms;
mod supervisor;
mod sweep;
mod writer;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    time::{Instant, sleep, timeout},
};

use self::{
    leases::Leases,
    link::{Link, Status},
    outgoing::{Command, Item, Queue},
    supervisor::Supervisor,
};
pub(super) use self::{
    outgoing::Post,
    rooms::{Served, Serving},
    sweep::Sweeper,
};
use super::{live::Live, registry::Registry, state::Clock};
use crate::{
    broker::{Broker, Channel, NodeId, Whom},
    error::{Error, Result},
    history::Stored,
    sync::lock,
    ws::{Encoded, Outbound},
};

pub use self::health::{BrokerHealth, Health, HistoryHealth};

/// How long a connection to the broker may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long somebody who has to know waits until the broker has a message, or is there.
const TELLING: Duration = Duration::from_secs(5);
/// How long a hub that ends goes on with what waits.
const FAREWELL: Duration = Duration::from_secs(2);
/// Between two looks whether it is done.
const FLUSHING: Duration = Duration::from_millis(5);
/// Between two lines of the log that say the same.
const SELDOM: Duration = Duration::from_secs(60);

/// What a hub has with a broker.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) node: NodeId,
    /// It only publishes: other nodes do not know it, and who publishes waits until the broker has it.
    is_outside: bool,
    broker: Mutex<Slot>,
    queue: Queue,
    link: Link,
    leases: Mutex<Leases>,
    clock: Arc<Clock>,
    /// The latest version of any of this node's presences.
    versions: AtomicU64,
    /// The latest of its messages, and of its signs of life.
    messages: AtomicU64,
    beats: AtomicU64,
    counts: Counts,
    running: watch::Sender<bool>,
    stop: watch::Sender<bool>,
}

struct Slot(Arc<dyn Broker>);

#[derive(Debug, Default)]
struct Counts {
    published: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    missed: AtomicU64,
    refused: AtomicU64,
}

/// What a message's way to the broker is to whoever has sent it: nothing to wait for, as a rule.
#[derive(Debug, Default)]
#[must_use = "who has to know whether the broker has it waits for it"]
pub(super) struct Relay(Option<oneshot::Receiver<()>>);

/// Something that is logged now and then, however often it happens.
#[derive(Debug, Default)]
struct Seldom(Mutex<Option<Instant>>);

impl Counts {
    fn add(count: &AtomicU64, more: usize) {
        count.fetch_add(more as u64, Ordering::Relaxed);
    }
}

impl Seldom {
    fn is_due(&self) -> bool {
        let (now, mut last) = (Instant::now(), lock(&self.0));
        let is_due = last.is_none_or(|last| now.duration_since(last) >= SELDOM);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

impl Relay {
    /// Waits until the broker has the message, if the sender has to know.
    pub(super) async fn told(self) -> Result<()> {
        let Some(receipt) = self.0 else { return Ok(()) };
        let text = "expected the broker to take a message within 5 s: it may have arrived or not";
        match timeout(TELLING, receipt).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Error::broker("the broker has gone, or could not be reached, before it took a message")),
            Err(_) => Err(Error::broker(text)),
        }
    }
}

impl Cluster {
    pub(super) fn new(broker: Arc<dyn Broker>, is_outside: bool) -> Self {
        Self {
            node: NodeId::random(),
            is_outside,
            broker: Mutex::new(Slot(broker)),
            queue: Queue::default(),
            link: Link::default(),
            leases: Mutex::default(),
            clock: Arc::default(),
            versions: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            beats: AtomicU64::new(0),
            counts: Counts::default(),
            running: watch::Sender::new(false),
            stop: watch::Sender::new(false),
        }
    }

    /// The next connection is to this one.
    pub(super) fn replace(&self, broker: Arc<dyn Broker>) {
        lock(&self.broker).0 = broker;
    }

    fn broker(&self) -> Arc<dyn Broker> {
        lock(&self.broker).0.clone()
    }

    fn version(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }

    /// Begins, if nobody has, and there is a runtime.
    pub(super) fn start(self: &Arc<Self>, registry: &Arc<Registry>) {
        if *self.running.borrow() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.running.send_if_modified(|running| !std::mem::replace(running, true)) {
            return;
        }
        self.stop.send_replace(false);
        self.queue.reset();
        self.link.begin();
        drop(runtime.spawn(Supervisor::new(self.clone(), Arc::downgrade(registry)).run()));
    }

    /// Asks for the end: what waits is sent, if the broker is there.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until what was sent is with the broker, as long as there is hope; and if so asked for the end.
    pub(super) async fn flush(&self, ends: bool) {
        if ends {
            self.stop();
        }
        let mut running = self.running.subscribe();
        let flushed = async {
            while *running.borrow_and_update() && (ends || !self.queue.is_done()) {
                sleep(FLUSHING).await;
            }
        };
        drop(timeout(FAREWELL, flushed).await);
    }

    /// Waits until the broker hands on what this node sends.
    pub(super) async fn connected(&self) -> Result<()> {
        let mut link = self.link.watch();
        let up = link.wait_for(|state| state.status == Status::Up);
        if timeout(TELLING, up).await.is_ok() {
            return Ok(());
        }
        let error = self.link.state().error;
        let why = error.as_deref().unwrap_or("it does not hand on what is sent to it");
        Err(Error::broker(format!("expected the broker to be there within 5 s: {why}")))
    }

    fn send(&self, mut post: Post) -> Relay {
        let receipt = self.is_outside.then(|| {
            let (sender, receiver) = oneshot::channel();
            post.receipt = Some(sender);
            receiver
        });
        if let Err(post) = self.queue.send(post) {
            self.lose(&post);
        }
        Relay(receipt)
    }

    /// Other nodes do not get a message; they find those that are stored.
    fn lose(&self, post: &Post) {
        Counts::add(&self.counts.dropped, usize::from(post.place.is_none()));
    }
}

impl Registry {
    /// Tells other nodes of a message, if there is a broker. Does not wait.
    pub(super) fn relay(self: &Arc<Self>, post: impl FnOnce() -> Post) -> Relay {
        let Some(cluster) = self.cluster() else { return Relay::default() };
        cluster.start(self);
        cluster.send(post())
    }
}

impl Live {
    /// Tells other nodes of a message.
    pub(super) fn relay(&self, message: &Encoded<'_>, whom: Whom) -> Relay {
        self.registry.relay(|| Post::new(Channel::Room(self.name.clone()), message).to(whom))
    }

    /// Tells other nodes of what was stored.
    pub(super) fn relay_stored(&self, stored: &Stored) -> Relay {
        let Ok(message) = stored.message.encode() else { return Relay::default() };
        let (offset, at) = (stored.offset.get(), stored.millis());
        self.registry.relay(|| Post::new(Channel::Room(self.name.clone()), &message).at(offset, at))
    }

    /// Who is here has changed: other nodes will be told, if there are any.
    pub(super) fn tell_others(self: &Arc<Self>) {
        let Some(cluster) = self.registry.cluster() else { return };
        let is_news = self.state().queue_news();
        if is_news && !cluster.queue.tell(Arc::downgrade(self)) {
            self.state().unqueue_news();
        }
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}
