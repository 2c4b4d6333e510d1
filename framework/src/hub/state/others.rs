//! Who is in a room on other nodes, as far as this one knows, and what they are to be told.
//!
//! Each node says who its own users are, and nobody else does: its list has versions, and whoever has one of them can take
//! the next. What all see is the union of the lists. Whoever has missed a version asks for the list.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    State,
    attendee::{attendee, weight_of},
};
use crate::{
    broker::{Attendee, Delta, List, NodeId},
    hub::{PresenceEvent, User, options::Announce},
};

/// Users that go into one envelope, and about as many bytes.
const USERS: usize = 256;
const BYTES: usize = 32 * 1024;
/// A list in more parts is nobody's.
const PARTS: u32 = 10_000;
/// Senders whose numbers are kept.
const SENDERS: usize = 1024;
/// A node that was asked may take so long to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a room knows of other nodes while this one serves it.
#[derive(Debug)]
pub(in crate::hub) struct Others {
    node: NodeId,
    clock: Arc<Clock>,
    /// The version that the others were told last.
    version: u64,
    /// They were told none yet.
    is_new: bool,
    /// Own users of whom they are to be told.
    changed: BTreeSet<Arc<str>>,
    /// It stands in the queue already.
    is_queued: bool,
    lists: BTreeMap<NodeId, Known>,
    /// The last number that each sender's messages had.
    heard: HashMap<NodeId, u64>,
}

/// What is known of a node's list.
#[derive(Debug, Default)]
struct Known {
    version: u64,
    /// The latest version that was heard of.
    latest: u64,
    /// The whole list came once, and all changes since, unless there is a later version.
    is_whole: bool,
    asked: Option<Instant>,
    users: HashMap<Arc<str>, Seen>,
    /// A list of which parts are missing.
    parts: BTreeMap<u32, List>,
}

#[derive(Debug)]
struct Seen {
    meta: Arc<Value>,
    connections: usize,
    stamp: u64,
}

/// Goes up with each join, and never falls behind what came from another node: so of two joins of which one has known the
/// other, it has the larger number.
#[derive(Debug, Default)]
pub(in crate::hub) struct Clock(AtomicU64);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn witness(&self, stamp: u64) {
        self.0.fetch_max(stamp.min(u64::MAX / 2), Ordering::Relaxed);
    }
}

/// What is to be done with what another node has said.
#[derive(Debug, PartialEq)]
pub(in crate::hub) enum Verdict {
    /// It is known already, or the node is not.
    Ignore,
    /// Something was missed.
    Ask,
    /// These users come or change, and those go; then it has this version.
    Take { users: Vec<Attendee>, gone: Vec<Arc<str>>, version: u64 },
}

impl Known {
    fn is_stale(&self) -> bool {
        !self.is_whole || self.version < self.latest
    }

    /// These users are all that there are.
    fn replace(&self, users: Vec<Attendee>, version: u64) -> Verdict {
        let stay: BTreeSet<&str> = users.iter().filter(|user| !user.gone).map(|user| &*user.user).collect();
        let gone = self.users.keys().filter(|id| !stay.contains(&***id)).cloned().collect();
        Verdict::Take { users, gone, version }
    }
}

impl Others {
    pub(in crate::hub) fn new(node: NodeId, clock: Arc<Clock>, version: u64) -> Self {
        Self {
            node,
            clock,
            version,
            is_new: true,
            changed: BTreeSet::new(),
            is_queued: false,
            lists: BTreeMap::new(),
            heard: HashMap::new(),
        }
    }

    /// Whether a message of this number is none that came before, or was overtaken.
    pub(in crate::hub) fn is_next(&mut self, sender: NodeId, number: u64) -> bool {
        if self.heard.len() >= SENDERS && !self.heard.contains_key(&sender) {
            // Most of them are long gone.
            self.heard.retain(|sender, _| self.lists.contains_key(sender));
        }
        let last = self.heard.entry(sender).or_default();
        let is_next = number > *last;
        *last = number.max(*last);
        is_next
    }

    /// This node's list is to be asked for.
    pub(in crate::hub) fn expect(&mut self, node: NodeId) {
        let known = self.lists.entry(node).or_default();
        (known.is_whole, known.asked) = (false, None);
    }

    /// The nodes that are to be asked now; then they were.
    pub(in crate::hub) fn ask(&mut self, now: Instant) -> Vec<NodeId> {
        let due = |known: &Known| known.asked.is_none_or(|asked| now.duration_since(asked) >= PATIENCE);
        let stale = self.lists.iter_mut().filter(|(_, known)| known.is_stale() && due(known));
        let ask = |(node, known): (&NodeId, &mut Known)| {
            known.asked = Some(now);
            *node
        };
        stale.map(ask).collect()
    }

    /// Whether all changes are told.
    pub(in crate::hub) fn is_told(&self) -> bool {
        self.changed.is_empty()
    }

    /// Whether all lists are known.
    pub(in crate::hub) fn is_synced(&self) -> bool {
        !self.lists.values().any(Known::is_stale)
    }

    /// A node has this version by now.
    pub(in crate::hub) fn hear_of(&mut self, node: NodeId, version: u64) -> bool {
        let Some(known) = self.lists.get_mut(&node) else { return false };
        known.latest = known.latest.max(version);
        known.is_stale()
    }

    /// A node has said goodbye: there is no more to be known of it.
    pub(in crate::hub) fn see_off(&mut self, node: NodeId) {
        let Some(known) = self.lists.get_mut(&node) else { return };
        (known.is_whole, known.latest) = (true, known.version);
    }

    /// What has changed on another node.
    pub(in crate::hub) fn take_delta(&mut self, node: NodeId, delta: Delta) -> Verdict {
        let Some(known) = self.lists.get_mut(&node) else { return Verdict::Ignore };
        let Delta { from, to, is_whole, users } = delta;
        known.latest = known.latest.max(to);
        if to <= known.version {
            return Verdict::Ignore;
        }
        match known.is_whole && from == known.version {
            true => Verdict::Take { users, gone: Vec::new(), version: to },
            false if is_whole => known.replace(users, to),
            false => Verdict::Ask,
        }
    }

    /// All users of another node, or a part of them.
    pub(in crate::hub) fn take_list(&mut self, node: NodeId, list: List) -> Verdict {
        let Some(known) = self.lists.get_mut(&node) else { return Verdict::Ignore };
        let (version, parts) = (list.version, list.parts);
        if version < known.version || parts > PARTS || list.part >= parts {
            return Verdict::Ignore;
        }
        let is_other = |part: &List| (part.version, part.parts) != (version, parts);
        if known.parts.values().next().is_some_and(is_other) {
            known.parts.clear();
        }
        known.parts.insert(list.part, list);
        if known.parts.len() < parts as usize {
            return Verdict::Ignore;
        }
        let users = std::mem::take(&mut known.parts).into_values().flat_map(|part| part.users).collect();
        known.replace(users, version)
    }

    /// All that a node has said up to this version is known.
    pub(in crate::hub) fn has(&mut self, node: NodeId, version: u64) -> bool {
        let Some(known) = self.lists.get_mut(&node) else { return false };
        if version > known.version {
            // Should there be a later one, it is not the answer that was late.
            known.asked = None;
        }
        (known.version, known.is_whole) = (version, true);
        known.latest = known.latest.max(version);
        known.is_stale()
    }
}

impl State {
    /// Other nodes count from now on.
    pub(in crate::hub) fn share(&mut self, mut others: Others) {
        others.changed = self.users.keys().cloned().collect();
        self.others = Some(Box::new(others));
    }

    /// They do not any more. Nobody is here who would be told.
    pub(in crate::hub) fn stop_sharing(&mut self) {
        let Some(others) = self.others.take() else { return };
        for id in others.lists.into_values().flat_map(|known| known.users.into_keys()) {
            drop(self.refresh(&id));
        }
    }

    /// A user of this node's has changed. Gives the moment, if it matters to anybody.
    pub(super) fn touch(&mut self, id: &Arc<str>) -> u64 {
        let Some(others) = &mut self.others else { return 0 };
        others.changed.insert(id.clone());
        others.clock.tick()
    }

    /// Whether there is news for the others that is not in the queue yet; now it is.
    pub(in crate::hub) fn queue_news(&mut self) -> bool {
        let Some(others) = &mut self.others else { return false };
        !others.changed.is_empty() && !std::mem::replace(&mut others.is_queued, true)
    }

    /// It is not in the queue any more.
    pub(in crate::hub) fn unqueue_news(&mut self) {
        self.others.iter_mut().for_each(|others| others.is_queued = false);
    }

    /// What the others are to be told next, if anything.
    pub(in crate::hub) fn tell(&mut self, versions: &AtomicU64) -> Option<Delta> {
        let others = self.others.as_mut()?;
        let (mut users, mut bytes) = (Vec::new(), 0);
        while users.len() < USERS && bytes < BYTES {
            let Some(id) = others.changed.pop_first() else { break };
            let attendee = attendee(&id, self.users.get(&id));
            bytes += attendee.as_ref().map_or(0, weight_of);
            users.extend(attendee);
        }
        if users.is_empty() {
            return None;
        }
        let from = others.version;
        others.version = versions.fetch_add(1, Ordering::Relaxed) + 1;
        let is_whole = std::mem::take(&mut others.is_new);
        Some(Delta { from, to: others.version, is_whole, users })
    }

    /// All own users, for a node that asks, in as many parts as it takes.
    pub(in crate::hub) fn list(&self) -> Option<(u64, Vec<Vec<Attendee>>)> {
        let others = self.others.as_ref()?;
        let (mut parts, mut bytes) = (vec![Vec::new()], 0);
        for user in self.users.iter().filter_map(|(id, attendance)| attendee(id, Some(attendance))) {
            bytes += weight_of(&user);
            if parts.last().is_some_and(|part| part.len() >= USERS) || bytes > BYTES {
                bytes = weight_of(&user);
                parts.push(Vec::new());
            }
            parts.last_mut().into_iter().for_each(|part| part.push(user.clone()));
        }
        Some((others.version, parts))
    }

    /// Users come, change or go on another node.
    pub(in crate::hub) fn attend(&mut self, node: NodeId, users: &[Attendee], announce: Option<&Arc<Announce>>) {
        for attendee in users {
            let Some(others) = &mut self.others else { return };
            let Some(known) = others.lists.get_mut(&node) else { return };
            let id: Arc<str> = match known.users.get_key_value(&*attendee.user) {
                Some((id, _)) => id.clone(),
                None => attendee.user.as_str().into(),
            };
            if attendee.gone {
                known.users.remove(&id);
            } else {
                others.clock.witness(attendee.stamp);
                let (meta, connections) = (attendee.meta.clone(), attendee.connections as usize);
                known.users.insert(id.clone(), Seen { meta, connections, stamp: attendee.stamp });
            }
            let event = self.refresh(&id);
            event.into_iter().for_each(|event| self.emit(event, announce));
        }
    }

    /// Users go on another node, without a word of its.
    pub(in crate::hub) fn depart(&mut self, node: NodeId, users: &[Arc<str>], announce: Option<&Arc<Announce>>) {
        for id in users {
            let known = self.others.as_mut().and_then(|others| others.lists.get_mut(&node));
            known.into_iter().for_each(|known| drop(known.users.remove(id)));
            let event = self.refresh(id);
            event.into_iter().for_each(|event| self.emit(event, announce));
        }
    }

    /// The users that a node has here.
    pub(in crate::hub) fn users_of(&self, node: NodeId) -> Vec<Arc<str>> {
        let known = self.others.as_ref().and_then(|others| others.lists.get(&node));
        known.into_iter().flat_map(|known| known.users.keys().cloned()).collect()
    }

    /// A node is gone, and its users have left.
    pub(in crate::hub) fn forget(&mut self, node: NodeId) {
        let Some(others) = &mut self.others else { return };
        others.lists.remove(&node);
        others.heard.remove(&node);
    }

    /// Brings what the presence says of a user up to date; gives what there is to tell.
    pub(super) fn refresh(&mut self, id: &Arc<str>) -> Option<PresenceEvent> {
        match (self.presence.get(id).cloned(), self.merged(id)) {
            (None, Some(user)) => {
                self.presence.insert(user.clone());
                Some(PresenceEvent::Joined(user))
            }
            (Some(_), Some(user)) => {
                self.presence.insert(user);
                None
            }
            (Some(user), None) => {
                self.presence.remove(id);
                Some(PresenceEvent::Left(User { connections: 0, ..user }))
            }
            (None, None) => None,
        }
    }

    /// A user as all nodes together see it: what it joined with last counts.
    fn merged(&self, id: &Arc<str>) -> Option<User> {
        let own = self.users.get(id);
        let user = own.map(|own| User { id: id.clone(), meta: own.meta.clone(), connections: own.members.len() });
        let Some(others) = &self.others else { return user };
        let (mut user, mut latest) = (user, own.map(|own| (own.stamp, others.node)));
        for (node, known) in &others.lists {
            let Some(seen) = known.users.get(id) else { continue };
            let user = user.get_or_insert_with(|| User { id: id.clone(), meta: seen.meta.clone(), connections: 0 });
            user.connections = user.connections.saturating_add(seen.connections);
            let moment = Some((seen.stamp, *node));
            if moment > latest {
                (user.meta, latest) = (seen.meta.clone(), moment);
            }
        }
        user
    }
}
