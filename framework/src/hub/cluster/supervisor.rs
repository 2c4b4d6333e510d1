//! The one task that has to do with the broker.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, Weak, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{CONNECTING, Cluster, FAREWELL, Item, Seldom, gossip::Gossip, leaving::Leaving, link::SILENCE};
use crate::{
    broker::{Channel, Content, Envelope, NodeId, Session},
    error::{Error, Result},
    hub::{live::Live, registry::Registry},
    sync::lock,
};

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(2);
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(500);
/// The shortest and the longest wait before the next attempt.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);
/// Senders whose numbers are kept.
const SENDERS: usize = 1024;

pub(super) struct Supervisor {
    pub(super) cluster: Arc<Cluster>,
    pub(super) registry: Weak<Registry>,
    pub(super) gossip: Gossip,
    pub(super) leaving: Leaving,
    /// Who waits until we have heard ourselves with this number.
    pub(super) receipts: Mutex<VecDeque<(u64, Vec<oneshot::Sender<()>>)>>,
    /// The last number of each who has sent to users.
    heard: Mutex<HashMap<NodeId, u64>>,
    pub(super) refusals: Seldom,
    pub(super) losses: Seldom,
}

/// Waits that grow, each of a random length.
struct Backoff {
    random: RandomState,
    attempts: u32,
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let most = LONGEST.min(SHORTEST.saturating_mul(1 << self.attempts.min(10)));
        self.attempts += 1;
        let share = self.random.hash_one(self.attempts) as f64 / u64::MAX as f64;
        SHORTEST + (most - SHORTEST).mul_f64(share)
    }
}

impl Supervisor {
    pub(super) fn new(cluster: Arc<Cluster>, registry: Weak<Registry>) -> Self {
        Self {
            cluster,
            registry,
            gossip: Gossip::default(),
            leaving: Leaving::default(),
            receipts: Mutex::default(),
            heard: Mutex::default(),
            refusals: Seldom::default(),
            losses: Seldom::default(),
        }
    }

    pub(super) async fn run(self) {
        let mut stop = self.cluster.stop.subscribe();
        let late = async {
            drop(stop.wait_for(|stop| *stop).await);
            sleep(FAREWELL).await;
        };
        tokio::select! {
            // All was sent that waited.
            () = self.connect_again_and_again() => {}
            // Or the broker is not there.
            () = late => {}
        }
    }

    async fn connect_again_and_again(&self) {
        let mut backoff = Backoff { random: RandomState::new(), attempts: 0 };
        loop {
            let error = match self.connect_once().await {
                Ok(()) => return,
                Err(error) => error,
            };
            if self.cluster.link.lose(&error) {
                tracing::warn!("the broker is gone: {error}");
                backoff.attempts = 0;
            } else {
                if backoff.attempts <= 1 {
                    tracing::warn!("the broker can't be reached: {error}");
                }
                self.give_up();
            }
            lock(&self.receipts).clear();
            self.open_rooms();
            let wait = sleep(backoff.next());
            tokio::select! {
                // The next attempt is due.
                () = wait => {}
                // Or is not wanted any more.
                () = self.is_wanted_no_more() => return,
            }
        }
    }

    /// A connection, to its end. Without an error it is over for good.
    async fn connect_once(&self) -> Result<()> {
        let broker = self.cluster.broker();
        let session = tokio::select! {
            // An answer, or none.
            session = timeout(CONNECTING, broker.connect()) => session,
            // Nobody wants it.
            () = self.is_wanted_no_more() => return Ok(()),
        };
        let text = "expected a connection within 10 s, got none";
        let Session { mut outlet, mut intake } = session.map_err(|_| Error::broker(text))??;
        let number = self.cluster.link.open();
        lock(&self.cluster.leases).renew(Instant::now());
        let done = tokio::select! {
            // All is sent.
            done = self.write(&mut *outlet, number) => done,
            // The connection has ended.
            done = self.read(&mut *intake, number) => done,
            // Nothing comes any more.
            done = self.keep_time(number) => done,
        };
        self.cluster.queue.close();
        done
    }

    async fn is_wanted_no_more(&self) {
        let mut stop = self.cluster.stop.subscribe();
        drop(stop.wait_for(|stop| *stop).await);
        while !self.cluster.queue.is_done() {
            // It may still go with this attempt.
            sleep(SHORTEST).await;
        }
    }

    /// There will be no broker for a while.
    fn give_up(&self) {
        for item in self.cluster.queue.give_up() {
            match item {
                Item::Message(post) => self.cluster.lose(&post),
                Item::Presence(room) => room.upgrade().into_iter().for_each(|live| live.state().unqueue_news()),
                Item::Control(..) => {}
            }
        }
    }

    /// Whoever waits for the broker has nothing to wait for.
    fn open_rooms(&self) {
        self.rooms().iter().for_each(|live| live.progress());
    }

    /// The rooms that this node serves.
    pub(super) fn rooms(&self) -> Vec<Arc<Live>> {
        let Some(registry) = self.registry.upgrade() else { return Vec::new() };
        let mut rooms = registry.rooms();
        rooms.retain(|live| live.is_served());
        rooms
    }

    /// The room of this name, if this node serves it.
    pub(super) fn room(&self, name: &str) -> Option<Arc<Live>> {
        self.registry.upgrade()?.find(name).filter(|live| live.is_served())
    }

    fn seal(&self, content: Content) -> Option<Bytes> {
        let sealed = Envelope { node: Some(self.cluster.node), content }.encode();
        if sealed.is_none() {
            self.too_long("what nodes tell each other");
        }
        sealed
    }

    /// An envelope that is not for members.
    pub(super) fn tell(&self, channel: Channel, content: Content) {
        self.seal(content).into_iter().for_each(|bytes| self.cluster.queue.control(channel.clone(), bytes));
    }

    pub(super) fn too_long(&self, what: &str) {
        if self.losses.is_due() {
            tracing::error!("{what} is too long for the broker: other nodes do not get it");
        }
    }

    /// A sign of life.
    pub(super) fn beat(&self, session: u64) {
        let (_, beat) = self.next_beat(session);
        beat.into_iter().for_each(|(channel, bytes)| self.cluster.queue.beat(channel, bytes));
    }

    /// The next sign of life, and its number. Of a hub outside of all servers nobody else is to know.
    pub(super) fn next_beat(&self, session: u64) -> (u64, Option<(Channel, Bytes)>) {
        let number = self.cluster.beats.fetch_add(1, Ordering::Relaxed) + 1;
        let channel = if self.cluster.is_outside { self.cluster.node.channel() } else { Channel::Nodes };
        (number, self.seal(Content::Beat { session, number }).map(|bytes| (channel, bytes)))
    }

    /// We have heard ourselves.
    pub(super) fn echo(&self, number: u64) {
        if self.cluster.link.hear() {
            tracing::info!(node = %self.cluster.node, "the broker is there");
        }
        let mut receipts = lock(&self.receipts);
        while receipts.front().is_some_and(|(waiting, _)| *waiting <= number) {
            for receipt in receipts.pop_front().into_iter().flat_map(|(_, done)| done) {
                // Who does not wait any more has nobody to be told.
                let _ = receipt.send(());
            }
        }
    }

    /// Whether a message for a user is none that came before.
    pub(super) fn is_next(&self, sender: NodeId, number: u64) -> bool {
        let mut heard = lock(&self.heard);
        if heard.len() >= SENDERS && !heard.contains_key(&sender) {
            heard.clear();
        }
        let last = heard.entry(sender).or_default();
        let is_next = number > *last;
        *last = number.max(*last);
        is_next
    }

    async fn keep_time(&self, session: u64) -> Result<()> {
        let mut last = Instant::now();
        loop {
            sleep(TICK).await;
            if self.cluster.link.silence() >= SILENCE {
                let text = "expected it to hand on what this node sends within 5 s, nothing came";
                return Err(Error::broker(text));
            }
            // Who waits for an echo may have lost it.
            if last.elapsed() >= BEAT || !lock(&self.receipts).is_empty() {
                last = Instant::now();
                self.beat(session);
                self.digest();
            }
            let gone = lock(&self.cluster.leases).expire(Instant::now());
            self.miss(&gone);
            self.forget_left().await;
            self.ask_again(session);
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // By its end, or that of its runtime.
        self.cluster.queue.close();
        self.give_up();
        self.cluster.link.end();
        self.open_rooms();
        self.cluster.running.send_replace(false);
    }
}
