//! What nodes tell each other of who is where.
//!
//! Changes go to all who serve the room, as they come. Whoever finds that it has missed one asks the node that made it: by
//! the next change, by the list of versions that goes with the signs of life, or because one of the two was away. An
//! answer that does not come is asked for again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::{task::yield_now, time::Instant};

use super::supervisor::Supervisor;
use crate::{
    broker::{Channel, Content, Delta, Envelope, List, NodeId},
    hub::{
        live::Live,
        state::{Verdict, weight_of},
    },
    sync::lock,
};

/// A change is told again for so long, by its version.
const RECENT: Duration = Duration::from_secs(30);
/// About the bytes of an envelope that holds many names or lists.
const BYTES: usize = 32 * 1024;
/// Users of whom a room is told at a time.
pub(super) const USERS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Gossip {
    /// The latest version of this node's presence in each room, and since when.
    recent: Mutex<HashMap<Arc<str>, (u64, Instant)>>,
    /// Rooms of which a list is missing.
    unsynced: Mutex<HashMap<Arc<str>, Weak<Live>>>,
}

/// Cuts what is told into parts of about so many bytes.
fn parts<T>(all: impl IntoIterator<Item = T>, len: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let (mut parts, mut bytes) = (Vec::<Vec<T>>::new(), 0);
    for one in all {
        let more = 8 + len(&one);
        match parts.last_mut().filter(|_| bytes + more <= BYTES) {
            Some(part) => part.push(one),
            None => {
                parts.push(vec![one]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    parts
}

impl Supervisor {
    /// What has changed in a room, as envelopes.
    pub(super) fn news(&self, room: &Weak<Live>) -> Vec<(Channel, Bytes)> {
        let Some(live) = room.upgrade() else { return Vec::new() };
        live.state().unqueue_news();
        let mut news = Vec::new();
        loop {
            let delta = live.state().tell(&self.cluster.versions);
            let Some(delta) = delta else { return news };
            lock(&self.gossip.recent).insert(live.name.clone(), (delta.to, Instant::now()));
            let envelope = Envelope { node: Some(self.cluster.node), content: Content::Presence(delta) };
            news.extend(envelope.encode().map(|bytes| (Channel::Room(live.name.clone()), bytes)));
        }
    }

    /// Tells the versions of what has changed of late.
    pub(super) fn digest(&self) {
        let mut recent = lock(&self.gossip.recent);
        recent.retain(|_, (_, since)| since.elapsed() < RECENT);
        let versions: Vec<_> = recent.iter().map(|(room, (version, _))| (room.to_string(), *version)).collect();
        drop(recent);
        for part in parts(versions, |(room, _)| room.len()) {
            self.tell(Channel::Nodes, Content::Digest(part));
        }
    }

    /// Rooms that were subscribed to just now: all other nodes are to say who is there.
    pub(super) fn expect_all(&self, rooms: &[Arc<Live>], session: u64) {
        let nodes = lock(&self.cluster.leases).all();
        for live in rooms {
            let mut state = live.state();
            let others = state.others.iter_mut();
            others.for_each(|others| nodes.iter().for_each(|node| others.expect(*node)));
        }
        self.ask(rooms, session);
    }

    /// A node that was not known, or not heard for a while.
    pub(super) async fn expect_from(&self, node: NodeId, session: u64) {
        for rooms in self.rooms().chunks(USERS) {
            for live in rooms {
                live.state().others.iter_mut().for_each(|others| others.expect(node));
            }
            self.ask(rooms, session);
            yield_now().await;
        }
    }

    /// Asks for the lists that are missing in these rooms, unless that was done just now.
    fn ask(&self, rooms: &[Arc<Live>], session: u64) {
        let (now, mut wanted) = (Instant::now(), BTreeMap::<_, Vec<_>>::new());
        for live in rooms {
            let nodes = live.state().others.as_mut().map(|others| others.ask(now)).unwrap_or_default();
            if !nodes.is_empty() {
                lock(&self.gossip.unsynced).insert(live.name.clone(), Arc::downgrade(live));
            }
            for node in nodes {
                wanted.entry(node).or_default().push(live.name.to_string());
            }
        }
        for (node, rooms) in wanted {
            for rooms in parts(rooms, String::len) {
                self.tell(node.channel(), Content::Ask { session, rooms });
            }
        }
    }

    /// Asks again for what has not come.
    pub(super) fn ask_again(&self, session: u64) {
        let mut unsynced = lock(&self.gossip.unsynced);
        let is_synced = |live: &Arc<Live>| live.state().others.as_ref().is_none_or(|others| others.is_synced());
        let mut rooms = Vec::new();
        unsynced.retain(|_, live| {
            let live = live.upgrade().filter(|live| !is_synced(live));
            let is_unsynced = live.is_some();
            rooms.extend(live);
            is_unsynced
        });
        drop(unsynced);
        self.ask(&rooms, session);
    }

    /// Says who is in these rooms.
    pub(super) async fn answer(&self, asks: NodeId, session: u64, rooms: Vec<String>) {
        let mut lists = Vec::new();
        for room in rooms {
            let list = self.room(&room).and_then(|live| live.state().list());
            let (version, users) = list.unwrap_or_else(|| (self.cluster.version(), vec![Vec::new()]));
            let count = u32::try_from(users.len()).unwrap_or(u32::MAX);
            let list = |(part, users)| List { room: room.clone(), version, part, parts: count, users };
            lists.extend((0..count).zip(users).map(list));
            yield_now().await;
        }
        let len = |list: &List| list.room.len() + list.users.iter().map(weight_of).sum::<usize>();
        for lists in parts(lists, len) {
            self.tell(asks.channel(), Content::Lists { session, lists });
        }
    }

    /// What has changed on another node.
    pub(super) async fn take_delta(&self, node: NodeId, room: &str, delta: Delta, session: u64) {
        let Some(live) = self.room(room) else { return };
        let verdict = live.state().others.as_mut().map(|others| others.take_delta(node, delta));
        self.carry_out(node, &live, verdict.unwrap_or(Verdict::Ignore), session).await;
    }

    /// The answer of a node.
    pub(super) async fn take_list(&self, node: NodeId, list: List, session: u64) {
        let Some(live) = self.room(&list.room) else { return };
        let verdict = live.state().others.as_mut().map(|others| others.take_list(node, list));
        self.carry_out(node, &live, verdict.unwrap_or(Verdict::Ignore), session).await;
    }

    async fn carry_out(&self, node: NodeId, live: &Arc<Live>, verdict: Verdict, session: u64) {
        let is_stale = match verdict {
            Verdict::Ignore => return,
            Verdict::Ask => true,
            Verdict::Take { users, gone, version } => {
                let announce = live.options.announce.as_ref();
                for users in users.chunks(USERS) {
                    live.state().attend(node, users, announce);
                    live.drain();
                    yield_now().await;
                }
                self.depart(node, live, &gone).await;
                live.state().others.as_mut().is_some_and(|others| others.has(node, version))
            }
        };
        if is_stale {
            self.ask(std::slice::from_ref(live), session);
        }
        live.progress();
    }

    async fn depart(&self, node: NodeId, live: &Arc<Live>, gone: &[Arc<str>]) {
        for gone in gone.chunks(USERS) {
            live.state().depart(node, gone, live.options.announce.as_ref());
            live.drain();
            yield_now().await;
        }
    }

    /// The versions that a node has by now.
    pub(super) fn take_digest(&self, node: NodeId, versions: Vec<(String, u64)>, session: u64) {
        let is_stale = |(room, version): (String, u64)| {
            let live = self.room(&room)?;
            let is_stale = live.state().others.as_mut().is_some_and(|others| others.hear_of(node, version));
            is_stale.then_some(live)
        };
        let stale: Vec<_> = versions.into_iter().filter_map(is_stale).collect();
        self.ask(&stale, session);
    }
}
