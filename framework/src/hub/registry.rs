//! What a hub knows by name: its rooms, its users, and in how many rooms each connection is.
//!
//! Locks: a room's before a connection's; the maps here are locked alone, never while another lock is held or wanted,
//! and no lock is held across a wait or a call of the user's.

use std::{
    array,
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::{
    RoomOptions, SENDS_A_POLL,
    cluster::{Cluster, Sweeper},
    live::Live,
};
use crate::{
    broker::Broker,
    error::{Error, Result},
    history::History,
    sync::{Mutex, MutexGuard, lock},
    ws::{CloseCode, Connection, Delivery, Encoded, PublishScope, Tally, Traffic, proto::Prepared},
};

const SHARDS: usize = 16;

/// All that the clones of a hub share.
#[derive(Default)]
pub(super) struct Registry {
    /// Whoever holds a room keeps it here.
    rooms: Sharded<Arc<str>, Weak<Live>>,
    /// The members of each user, by their numbers.
    users: Sharded<Arc<str>, BTreeMap<u64, Link>>,
    /// Rooms that each connection is in.
    places: Sharded<u64, usize>,
    active_rooms: AtomicUsize,
    active_users: AtomicUsize,
    next_member: AtomicU64,
    pub(super) defaults: Mutex<Arc<RoomOptions>>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) tally: Arc<Tally>,
    pub(super) compressions: AtomicU64,
    history: Mutex<Option<Arc<dyn History>>>,
    cluster: OnceLock<Arc<Cluster>>,
    pub(super) sweeper: Arc<Sweeper>,
    /// Servers that serve the app.
    pub(super) servers: AtomicUsize,
}

/// A member, as its user sees it.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) connection: Arc<Connection>,
    pub(super) tally: Arc<Tally>,
}

/// One of the rooms that a connection may be in.
pub(super) struct Place {
    registry: Arc<Registry>,
    connection: u64,
}

/// A map that few threads at a time contend for.
struct Sharded<K, V> {
    shards: [Mutex<HashMap<K, V>>; SHARDS],
    hasher: RandomState,
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self { shards: array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<K: Eq + Hash, V> Sharded<K, V> {
    fn of<Q: Hash + ?Sized>(&self, key: &Q) -> MutexGuard<'_, HashMap<K, V>>
    where
        K: Borrow<Q>,
    {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }

    /// What `pick` takes of each entry. Not of one moment: each shard is locked by itself.
    fn all<T>(&self, mut pick: impl FnMut(&K, &V) -> Option<T>) -> Vec<T> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(lock(shard).iter().filter_map(|(key, value)| pick(key, value)));
        }
        all
    }
}

impl Registry {
    /// The room of this name: the one that somebody holds, or a new one.
    pub(super) fn room(self: &Arc<Self>, name: &str, options: Option<RoomOptions>) -> Arc<Live> {
        let defaults = lock(&self.defaults).clone();
        let mut rooms = self.rooms.of(name);
        if let Some(live) = rooms.get(name).and_then(Weak::upgrade) {
            return live;
        }
        let live = Arc::new(Live::new(self.clone(), name.into(), options, &defaults));
        rooms.insert(live.name.clone(), Arc::downgrade(&live));
        live
    }

    /// Where messages are stored.
    pub(super) fn history(&self) -> Result<Arc<dyn History>> {
        let text =
            "expected the app to have a history: give it one with `App::history`, such as `MemoryHistory::new()`";
        lock(&self.history).clone().ok_or_else(|| Error::storage(text))
    }

    pub(super) fn set_history(&self, history: Arc<dyn History>) {
        *lock(&self.history) = Some(history);
    }

    /// What there is to do with other nodes, if there is a broker.
    pub(super) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.get()
    }

    pub(super) fn set_broker(&self, broker: Arc<dyn Broker>, is_outside: bool) {
        let cluster = self.cluster.get_or_init(|| Arc::new(Cluster::new(broker.clone(), is_outside)));
        cluster.replace(broker);
    }

    /// Whether a room may have to do with other processes.
    pub(super) fn is_shared(&self) -> bool {
        self.cluster().is_some() || lock(&self.history).is_some()
    }

    /// Begins what has to do with other processes, unless it has begun, or there is no runtime.
    pub(super) fn wake(self: &Arc<Self>) {
        if let Some(cluster) = self.cluster() {
            cluster.start(self);
        }
        if lock(&self.history).is_some() {
            self.sweeper.start(self);
        }
    }

    /// The room of this name, if somebody holds it.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Live>> {
        self.rooms.of(name).get(name)?.upgrade()
    }

    /// Nobody holds this room any more; by now there may be another of its name.
    pub(super) fn forget(&self, name: &str) {
        let mut rooms = self.rooms.of(name);
        if rooms.get(name).is_some_and(|room| room.strong_count() == 0) {
            rooms.remove(name);
            shrink(&mut rooms);
        }
    }

    pub(super) fn rooms(&self) -> Vec<Arc<Live>> {
        self.rooms.all(|_, room| room.upgrade())
    }

    /// Rooms in the map, the empty ones too.
    #[cfg(test)]
    pub(super) fn known_rooms(&self) -> usize {
        self.rooms.all(|_, _| Some(())).len()
    }

    /// Counts a room that gets its first member.
    pub(super) fn open_room(&self, most: usize) -> Result<()> {
        if self.active_rooms.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(());
        }
        self.close_room();
        Err(Error::limit(format!("expected at most {most} rooms at once"), CloseCode::TRY_AGAIN))
    }

    pub(super) fn close_room(&self) {
        self.active_rooms.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn active_rooms(&self) -> usize {
        self.active_rooms.load(Ordering::Relaxed)
    }

    /// A number for a member: larger than all before.
    pub(super) fn next_member(&self) -> u64 {
        self.next_member.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts one more room of a connection.
    pub(super) fn claim(self: &Arc<Self>, connection: &Connection) -> Result<Place> {
        let most = connection.limits.max_rooms_per_connection;
        let mut places = self.places.of(&connection.id);
        let taken = places.entry(connection.id).or_default();
        if *taken >= most {
            let text = format!("expected a connection to be in at most {most} rooms");
            if *taken == 0 {
                places.remove(&connection.id);
            }
            return Err(Error::limit(text, CloseCode::POLICY));
        }
        *taken += 1;
        Ok(Place { registry: self.clone(), connection: connection.id })
    }

    pub(super) fn link(&self, user: &Arc<str>, member: u64, link: Link) {
        let mut users = self.users.of(&**user);
        let members = users.entry(user.clone()).or_default();
        if members.is_empty() {
            self.active_users.fetch_add(1, Ordering::Relaxed);
        }
        members.insert(member, link);
    }

    pub(super) fn unlink(&self, user: &str, member: u64) {
        let mut users = self.users.of(user);
        let Some(members) = users.get_mut(user) else { return };
        members.remove(&member);
        if members.is_empty() {
            users.remove(user);
            shrink(&mut users);
            self.active_users.fetch_sub(1, Ordering::Relaxed);
        }
    }

    pub(super) fn active_users(&self) -> usize {
        self.active_users.load(Ordering::Relaxed)
    }

    /// The members of a user, each connection once.
    pub(super) fn links(&self, user: &str) -> Vec<Link> {
        let users = self.users.of(user);
        let Some(members) = users.get(user) else { return Vec::new() };
        let each: HashMap<u64, &Link> = members.values().map(|link| (link.connection.id, link)).collect();
        each.into_values().cloned().collect()
    }

    /// Sends a message to all connections of a user that are here. Gives how many got it.
    pub(super) async fn send_to(&self, user: &str, message: &Encoded<'_>) -> usize {
        let links = self.links(user);
        let mut shapes = Vec::new();
        for link in &links {
            let shape = link.connection.outbox().deflater.as_ref().map(|deflater| deflater.shape());
            shapes.extend(shape.filter(|shape| !shapes.contains(shape)));
        }
        let prepared = Prepared::new(message.op, &message.payload, shapes);
        self.compressions.fetch_add(prepared.runs() as u64, Ordering::Relaxed);
        let overflow = lock(&self.defaults).overflow.unwrap_or_default();
        let mut sent = 0;
        for (at, part) in links.chunks(SENDS_A_POLL).enumerate() {
            if at > 0 {
                tokio::task::yield_now().await;
            }
            let _scope = PublishScope::enter_first();
            for link in part {
                let overflow = link.connection.overflow.unwrap_or(overflow);
                if link.connection.deliver(&prepared, overflow, &link.tally) == Delivery::Sent {
                    link.tally.send(1);
                    sent += 1;
                }
            }
        }
        self.traffic.sent(sent as u64);
        sent
    }

    pub(super) fn users<T>(&self, mut pick: impl FnMut(&str, &BTreeMap<u64, Link>) -> T) -> Vec<T> {
        self.users.all(|user, members| Some(pick(user, members)))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // What waits for the broker is sent, as long as there is a runtime.
        self.cluster().into_iter().for_each(|cluster| cluster.stop());
        self.sweeper.sweep_now();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.registry.places.of(&self.connection);
        let Some(taken) = places.get_mut(&self.connection) else { return };
        *taken -= 1;
        if *taken == 0 {
            places.remove(&self.connection);
            shrink(&mut places);
        }
    }
}

/// Gives back what a crowd has left behind.
fn shrink<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 8 {
        map.shrink_to(map.len() * 2);
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rooms, {} users", self.active_rooms(), self.active_users())
    }
}
