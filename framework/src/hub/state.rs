//! A room behind its lock: members, presence, and the queue of what is to be handed out.

mod attendee;
mod others;
mod queue;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    task::Waker,
};

use serde_json::Value;
use tokio::{sync::broadcast, time::Instant};

use self::queue::{Item, Work};
pub(super) use self::{
    attendee::weight_of,
    others::{Clock, Others, Verdict},
    queue::{Next, is_for},
};
use super::{
    Presence, PresenceEvent,
    feed::{Feed, Listening},
    options::Announce,
    tail::Tail,
};
use crate::{
    broker::Whom,
    error::Result,
    ws::{Connection, Encoded, Tally, proto::Shape},
};

/// Presence events that a server-side reader may be behind.
const EVENTS_KEPT: usize = 256;

/// Each message has a number, and each member the number after which it has joined. Presence changes under the same lock
/// in which its event gets a number: who joins has seen all events up to its number, and gets all behind it.
#[derive(Default)]
pub(super) struct State {
    pub(super) members: BTreeMap<u64, Entry>,
    /// Those who only listen: they get what all get, and are no members.
    pub(super) feeds: BTreeMap<u64, Listening>,
    /// Those of this node.
    users: HashMap<Arc<str>, Attendance>,
    /// Users in their time of grace, and when it is over.
    away: BTreeSet<(Instant, Arc<str>)>,
    /// Those of all nodes.
    pub(super) presence: Presence,
    /// What the room knows of other nodes, if there are any.
    pub(super) others: Option<Box<Others>>,
    /// How members want messages compressed, and how many.
    shapes: Vec<(Shape, usize)>,
    queue: VecDeque<Item>,
    /// The number of the latest message, and of the latest that was handed out.
    last: u64,
    done: u64,
    /// Where among the members handing out the first message goes on.
    cursor: u64,
    /// The same among those who only listen; they come when all members have it.
    heard: u64,
    /// Somebody hands out: there is one at a time, so that all members see one order.
    pub(super) draining: bool,
    /// Who has sent each message, or was welcomed by it.
    waiters: BTreeMap<u64, Waker>,
    /// Counts among the hub's rooms.
    pub(super) counted: bool,
    /// A task waits for the end of somebody's grace.
    pub(super) timing: bool,
    pub(super) messages: u64,
    pub(super) sent: u64,
    events: Option<broadcast::Sender<PresenceEvent>>,
    /// What those may miss who are behind.
    pub(super) tail: Tail,
}

/// A member.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) connection: Arc<Connection>,
    joined: u64,
    /// It has the stored messages up to this offset; all of them, while it reads them from the store.
    pub(super) has: u64,
    pub(super) user: Option<Arc<str>>,
    pub(super) tally: Arc<Tally>,
    shape: Option<Shape>,
}

/// A user's members, and the end of its grace when there are none.
#[derive(Debug, Default)]
struct Attendance {
    members: BTreeSet<u64>,
    away: Option<Instant>,
    /// What the latest of them has joined with, and when: on the clock of the nodes, if there are several.
    meta: Arc<Value>,
    stamp: u64,
}

/// Makes a message by a call of the user's.
pub(super) type Later = dyn Fn() -> Option<Result<Encoded<'static>>> + Send + Sync;

/// Who joins, if not just anybody.
#[derive(Default)]
pub(super) struct Newcomer {
    pub(super) user: Option<(Arc<str>, Arc<Value>)>,
    /// The first message to it.
    pub(super) welcome: Option<Arc<Welcome>>,
    /// It reads what is stored before it gets what is published.
    pub(super) is_behind: bool,
}

/// What the room's presence becomes for who joins.
pub(super) type Welcome = dyn Fn(&Presence) -> Result<Encoded<'static>> + Send + Sync;

/// Who gets a message.
#[derive(Debug)]
pub(super) enum To {
    All,
    AllBut(u64),
    AllButUser(Arc<str>),
    User(Arc<str>),
    Member(u64),
}

impl To {
    /// Of the members on other nodes. Connections are this one's.
    pub(super) fn elsewhere(&self) -> Whom {
        match self {
            Self::All | Self::AllBut(_) | Self::Member(_) => Whom::All,
            Self::AllButUser(user) => Whom::AllBut(user.clone()),
            Self::User(user) => Whom::Only(user.clone()),
        }
    }

    fn includes(&self, entry: &Entry) -> bool {
        match self {
            Self::All | Self::Member(_) => true,
            Self::AllBut(connection) => entry.connection.id != *connection,
            Self::AllButUser(user) => entry.user.as_ref() != Some(user),
            Self::User(user) => entry.user.as_ref() == Some(user),
        }
    }
}

impl From<Whom> for To {
    fn from(whom: Whom) -> Self {
        match whom {
            Whom::All => Self::All,
            Whom::Only(user) => Self::User(user),
            Whom::AllBut(user) => Self::AllButUser(user),
        }
    }
}

impl State {
    /// Adds a member; gives the presence with it in, and the number of the welcome.
    pub(super) fn join(
        &mut self,
        number: u64,
        connection: Arc<Connection>,
        tally: Arc<Tally>,
        newcomer: Newcomer,
        announce: Option<&Arc<Announce>>,
    ) -> (Presence, Option<u64>) {
        let shape = connection.outbox().deflater.as_ref().map(|deflater| deflater.shape());
        self.count_shape(shape, true);
        let name = newcomer.user.as_ref().map(|(name, _)| name.clone());
        let has = self.tail.count_in(newcomer.is_behind);
        self.members.insert(number, Entry { connection, joined: self.last, has, user: name, tally, shape });
        let joined = newcomer.user.and_then(|(id, meta)| self.user_joined(number, id, meta));
        let presence = self.presence.clone();
        let seen = presence.clone();
        let welcome = newcomer
            .welcome
            .map(|welcome| self.put(Work::Later(Arc::new(move || Some(welcome(&seen)))), To::Member(number), None));
        joined.into_iter().for_each(|event| self.emit(event, announce));
        (presence, welcome)
    }

    /// Tells of the user, if nobody else has been it.
    fn user_joined(&mut self, number: u64, id: Arc<str>, meta: Arc<Value>) -> Option<PresenceEvent> {
        let stamp = self.touch(&id);
        let attendance = self.users.entry(id.clone()).or_default();
        attendance.members.insert(number);
        (attendance.meta, attendance.stamp) = (meta, stamp);
        if let Some(until) = attendance.away.take() {
            self.away.remove(&(until, id.clone()));
        }
        self.refresh(&id)
    }

    /// Removes a member. Its user, if it was the last one, is away until then.
    pub(super) fn leave(&mut self, number: u64, until: Option<Instant>, announce: Option<&Arc<Announce>>) {
        let Some(entry) = self.members.remove(&number) else { return };
        self.count_shape(entry.shape, false);
        self.tail.count_out(entry.has);
        let Some(id) = entry.user else { return };
        let Some(attendance) = self.users.get_mut(&id) else { return };
        attendance.members.remove(&number);
        match until {
            None if attendance.members.is_empty() => return self.user_left(&id, announce),
            Some(until) if attendance.members.is_empty() => {
                attendance.away = Some(until);
                self.away.insert((until, id.clone()));
            }
            _ => {}
        }
        self.touch(&id);
        // One that stays is no event.
        drop(self.refresh(&id));
    }

    /// Somebody listens, from the next message on.
    pub(super) fn listen(&mut self, number: u64, is_behind: bool, feed: impl FnOnce(u64) -> Feed) -> Arc<Feed> {
        let feed = Arc::new(feed(self.last));
        let has = self.tail.count_in(is_behind);
        self.feeds.insert(number, Listening { feed: feed.clone(), has });
        feed
    }

    /// Nobody listens there any more.
    pub(super) fn stop_listening(&mut self, number: u64) {
        let listening = self.feeds.remove(&number);
        listening.into_iter().for_each(|listening| self.tail.count_out(listening.has));
    }

    /// Whether anybody hears what is said.
    pub(super) fn has_audience(&self) -> bool {
        !(self.members.is_empty() && self.feeds.is_empty())
    }

    /// Whether nobody is here, and nobody expected back.
    pub(super) fn is_deserted(&self) -> bool {
        self.members.is_empty() && self.users.is_empty()
    }

    /// When the next grace is over.
    pub(super) fn next_end_of_grace(&self) -> Option<Instant> {
        self.away.first().map(|(until, _)| *until)
    }

    /// Ends graces that are over: not all at once, should a crowd have left.
    pub(super) fn end_grace(&mut self, now: Instant, most: usize, announce: Option<&Arc<Announce>>) {
        for _ in 0..most {
            let over = self.away.first().filter(|(until, _)| *until <= now).cloned();
            let Some(over) = over else { return };
            self.away.remove(&over);
            self.user_left(&over.1, announce);
        }
    }

    fn user_left(&mut self, id: &Arc<str>, announce: Option<&Arc<Announce>>) {
        self.users.remove(id);
        self.touch(id);
        let event = self.refresh(id);
        event.into_iter().for_each(|event| self.emit(event, announce));
    }

    fn emit(&mut self, event: PresenceEvent, announce: Option<&Arc<Announce>>) {
        if let Some(events) = &self.events {
            // Without a reader there is nobody to miss it.
            drop(events.send(event.clone()));
        }
        if let Some(announce) = announce.filter(|_| self.has_audience()) {
            let (announce, to) = (announce.clone(), To::AllButUser(event.user().id.clone()));
            self.put(Work::Later(Arc::new(move || announce(&event))), to, None);
        }
    }

    /// Presence events from now on.
    pub(super) fn events(&mut self) -> broadcast::Receiver<PresenceEvent> {
        self.events.get_or_insert_with(|| broadcast::channel(EVENTS_KEPT).0).subscribe()
    }

    fn count_shape(&mut self, shape: Option<Shape>, joins: bool) {
        let Some(shape) = shape else { return };
        match self.shapes.iter_mut().find(|(known, _)| *known == shape) {
            Some((_, members)) if joins => *members += 1,
            Some((_, members)) => *members -= 1,
            None => self.shapes.push((shape, 1)),
        }
        self.shapes.retain(|(_, members)| *members > 0);
    }

    /// The forms that the members want.
    pub(super) fn shapes(&self) -> Vec<Shape> {
        self.shapes.iter().map(|(shape, _)| *shape).collect()
    }

    /// How many members a user has.
    pub(super) fn members_of(&self, user: &str) -> usize {
        self.users.get(user).map_or(0, |attendance| attendance.members.len())
    }
}
