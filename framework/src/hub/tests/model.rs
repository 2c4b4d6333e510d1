//! The hub against a naive model: the same deliveries, order, presence, and counters that add up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::{
    config::Overflow,
    ws::proto::{Op, Payload},
};

const CONNECTIONS: usize = 5;
const USERS: [&str; 3] = ["ann", "bob", "eve"];
const POLICIES: [Overflow; 3] = [Overflow::Disconnect, Overflow::DropOldest, Overflow::DropNewest];
const BYTES: usize = 90;
const MESSAGES: usize = 6;

#[derive(Clone, Debug)]
enum Do {
    Join {
        connection: usize,
        room: usize,
        user: Option<usize>,
    },
    /// The member at this place, counted round.
    Leave(usize),
    Broadcast {
        room: usize,
        len: usize,
    },
    Others {
        member: usize,
        len: usize,
    },
    User {
        room: usize,
        user: usize,
        len: usize,
    },
    Anywhere {
        user: usize,
        len: usize,
    },
    Direct {
        connection: usize,
        len: usize,
    },
    /// The peer takes so many bytes: none is a stall.
    Read {
        connection: usize,
        bytes: usize,
    },
    Disconnect(usize),
}

fn steps() -> impl Strategy<Value = Vec<Do>> {
    let (connection, room, user, len) = (0..CONNECTIONS, 0..POLICIES.len(), 0..USERS.len(), 0..40usize);
    let step = prop_oneof![
        4 => (connection.clone(), room.clone(), prop::option::of(user.clone()))
            .prop_map(|(connection, room, user)| Do::Join { connection, room, user }),
        2 => any::<usize>().prop_map(Do::Leave),
        5 => (room.clone(), len.clone()).prop_map(|(room, len)| Do::Broadcast { room, len }),
        2 => (any::<usize>(), len.clone()).prop_map(|(member, len)| Do::Others { member, len }),
        2 => (room, user.clone(), len.clone()).prop_map(|(room, user, len)| Do::User { room, user, len }),
        1 => (user, len.clone()).prop_map(|(user, len)| Do::Anywhere { user, len }),
        2 => (connection.clone(), len).prop_map(|(connection, len)| Do::Direct { connection, len }),
        4 => (connection.clone(), 0..120usize).prop_map(|(connection, bytes)| Do::Read { connection, bytes }),
        1 => connection.prop_map(Do::Disconnect),
    ];
    prop::collection::vec(step, 1..60)
}

/// A peer, as simply as possible.
#[derive(Debug, Default)]
struct Peer {
    waiting: VecDeque<Frame>,
    /// Bytes of the first frame that have left.
    gone: usize,
    got: Vec<Vec<u8>>,
    /// Nothing more is sent.
    is_closed: bool,
    /// Nothing more leaves.
    is_broken: bool,
    sent: u64,
}

#[derive(Debug)]
struct Frame {
    payload: Vec<u8>,
    /// Whose loss it would be.
    owner: Option<u64>,
}

#[derive(Debug)]
struct Participant {
    connection: usize,
    room: usize,
    user: Option<usize>,
}

#[derive(Debug, Default)]
struct Model {
    peers: [Peer; CONNECTIONS],
    /// By their numbers, so in the order in which they have joined.
    members: BTreeMap<u64, Participant>,
    lost: BTreeMap<u64, u64>,
    room_sent: [u64; 3],
    room_lost: [u64; 3],
    room_messages: [u64; 3],
    /// To which room a member belongs, or did.
    rooms: BTreeMap<u64, usize>,
}

impl Peer {
    fn is_full(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(|frame| frame.payload.len() + 2).sum();
        !self.waiting.is_empty() && (bytes - self.gone >= BYTES || self.waiting.len() >= MESSAGES)
    }

    fn read(&mut self, mut bytes: usize) {
        while let Some(frame) = self.waiting.front().filter(|_| !self.is_broken) {
            let left = frame.payload.len() + 2 - self.gone;
            if bytes < left {
                self.gone += bytes;
                return;
            }
            bytes -= left;
            self.gone = 0;
            self.got.extend(self.waiting.pop_front().map(|frame| frame.payload));
        }
    }
}

impl Model {
    fn users(&self, room: usize) -> BTreeSet<usize> {
        self.members.values().filter(|member| member.room == room).filter_map(|member| member.user).collect()
    }

    fn count(&self, is: impl Fn(&Participant) -> bool) -> usize {
        self.members.values().filter(|member| is(member)).count()
    }

    fn lose(&mut self, member: u64) {
        *self.lost.entry(member).or_default() += 1;
        self.room_lost[self.rooms[&member]] += 1;
    }

    /// One message to one member.
    fn deliver(&mut self, number: u64, payload: &[u8], policy: Overflow) -> bool {
        let peer = &mut self.peers[self.members[&number].connection];
        if peer.is_closed {
            return false;
        }
        let mut losers = Vec::new();
        while peer.is_full() && policy == Overflow::DropOldest {
            let first = usize::from(peer.gone > 0);
            let Some(at) = (first..peer.waiting.len()).find(|at| peer.waiting[*at].owner.is_some()) else { break };
            losers.extend(peer.waiting.remove(at).and_then(|frame| frame.owner));
        }
        let is_full = peer.is_full();
        if is_full {
            losers.push(number);
            if policy == Overflow::Disconnect {
                peer.waiting.truncate(usize::from(peer.gone > 0));
                let reason = [&1013u16.to_be_bytes()[..], b"the peer is too slow"].concat();
                peer.waiting.push_back(Frame { payload: reason, owner: None });
                peer.is_closed = true;
            }
        } else {
            let owner = (policy == Overflow::DropOldest).then_some(number);
            peer.waiting.push_back(Frame { payload: payload.to_vec(), owner });
            peer.sent += 1;
        }
        losers.into_iter().for_each(|member| self.lose(member));
        !is_full
    }

    fn send(&mut self, room: usize, payload: &[u8], to: impl Fn(&Participant) -> bool) {
        let members: Vec<u64> =
            self.members.iter().filter(|(_, member)| member.room == room && to(member)).map(|(at, _)| *at).collect();
        for number in members {
            self.room_sent[room] += u64::from(self.deliver(number, payload, POLICIES[room]));
        }
    }
}

/// The model and what it is a model of.
struct Both {
    model: Model,
    hub: Hub,
    rooms: Vec<Room>,
    peers: Vec<Fake>,
    wires: Vec<Vec<u8>>,
    members: BTreeMap<u64, Member>,
    messages: usize,
}

impl Both {
    fn new() -> Self {
        let limits = Arc::new(Limits { outbox_bytes: BYTES, outbox_messages: MESSAGES, ..Limits::default() });
        let hub = Hub::default();
        let rooms = POLICIES.iter().enumerate().map(|(at, policy)| {
            let options = RoomOptions::new().overflow(*policy).announce(|event| match event {
                PresenceEvent::Joined(user) => Some(crate::ws::Message::from(format!("+{}", user.id()))),
                PresenceEvent::Left(user) => Some(crate::ws::Message::from(format!("-{}", user.id()))),
            });
            hub.room_with(at.to_string(), options)
        });
        Self {
            model: Model::default(),
            rooms: rooms.collect(),
            peers: (0..CONNECTIONS).map(|id| Fake::new(id as u64, &limits, &hub)).collect(),
            wires: vec![Vec::new(); CONNECTIONS],
            members: BTreeMap::new(),
            messages: 0,
            hub,
        }
    }

    fn text(&mut self, len: usize) -> String {
        self.messages += 1;
        format!("{:>len$}", self.messages)
    }

    fn member(&self, at: usize) -> Option<u64> {
        self.members.keys().copied().nth(at.checked_rem(self.members.len())?)
    }

    fn step(&mut self, step: &Do) {
        match *step {
            Do::Join { connection, room, user } => self.join(connection, room, user),
            Do::Leave(at) => {
                if let Some(number) = self.member(at) {
                    self.leave(number);
                }
            }
            Do::Broadcast { room, len } => {
                let text = self.text(len);
                now(self.rooms[room].broadcast_text(&text)).unwrap();
                self.model.room_messages[room] += u64::from(self.model.count(|member| member.room == room) > 0);
                self.model.send(room, text.as_bytes(), |_| true);
            }
            Do::Others { member, len } => {
                let Some(number) = self.member(member) else { return };
                let text = self.text(len);
                let member = &self.members[&number];
                now(member.room().broadcast_others_text(member, &text)).unwrap();
                let Participant { room, connection, .. } = self.model.members[&number];
                self.model.room_messages[room] += 1;
                self.model.send(room, text.as_bytes(), |member| member.connection != connection);
            }
            Do::User { room, user, len } => {
                let text = self.text(len);
                let count = now(self.rooms[room].send_to(USERS[user], &crate::ws::Message::from(&*text))).unwrap();
                assert_eq!(count, self.model.count(|member| member.room == room && member.user == Some(user)));
                self.model.room_messages[room] += u64::from(count > 0);
                self.model.send(room, text.as_bytes(), |member| member.user == Some(user));
            }
            Do::Anywhere { user, len } => self.anywhere(user, len),
            Do::Direct { connection, len } => {
                let text = self.text(len);
                let send = |cx: &mut Context<'_>| {
                    self.peers[connection].0.poll_send(cx, Op::Text, &Payload::Slice(text.as_bytes()))
                };
                let sent = send(&mut Context::from_waker(Waker::noop()));
                let peer = &mut self.model.peers[connection];
                assert_eq!(sent.is_pending(), peer.is_full() && !peer.is_closed);
                assert_eq!(matches!(sent, Poll::Ready(Err(_))), peer.is_closed);
                if matches!(sent, Poll::Ready(Ok(()))) {
                    peer.waiting.push_back(Frame { payload: text.into_bytes(), owner: None });
                    peer.sent += 1;
                }
            }
            Do::Read { connection, bytes } => {
                self.wires[connection].extend(self.peers[connection].read(bytes));
                self.model.peers[connection].read(bytes);
            }
            Do::Disconnect(connection) => {
                self.peers[connection].0.outbox().fail();
                let peer = &mut self.model.peers[connection];
                (peer.is_closed, peer.is_broken) = (true, true);
            }
        }
    }

    fn join(&mut self, connection: usize, room: usize, user: Option<usize>) {
        let before = self.model.users(room);
        let joined = match user {
            Some(user) => now(self.rooms[room].join_as(&self.peers[connection], USERS[user], user)),
            None => now(self.rooms[room].join(&self.peers[connection])),
        };
        assert_eq!(joined.is_err(), self.model.peers[connection].is_closed);
        let Ok(member) = joined else { return };
        let number = member.number;
        self.model.members.insert(number, Participant { connection, room, user });
        self.model.rooms.insert(number, room);
        let names: Vec<&str> = self.model.users(room).into_iter().map(|user| USERS[user]).collect();
        assert_eq!(member.presence().iter().map(User::id).collect::<Vec<_>>(), names);
        if let Some(user) = user.filter(|user| !before.contains(user)) {
            let text = format!("+{}", USERS[user]);
            self.model.send(room, text.as_bytes(), |member| member.user != Some(user));
        }
        self.members.insert(number, member);
    }

    fn leave(&mut self, number: u64) {
        let member = self.members.remove(&number).unwrap();
        assert_eq!(member.lost(), self.model.lost.get(&number).copied().unwrap_or_default());
        drop(member);
        let Participant { room, user, .. } = self.model.members.remove(&number).unwrap();
        if let Some(user) = user.filter(|user| !self.model.users(room).contains(user)) {
            let text = format!("-{}", USERS[user]);
            self.model.send(room, text.as_bytes(), |_| true);
        }
    }

    /// To each connection once, by the policy of its route: the default.
    fn anywhere(&mut self, user: usize, len: usize) {
        let text = self.text(len);
        // Whose tally counts is the hub's choice: connections with one membership leave it none.
        let of_user = |member: &&Participant| member.user == Some(user);
        let mut numbers: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for (number, member) in self.model.members.iter().filter(|(_, member)| of_user(member)) {
            numbers.entry(member.connection).or_default().push(*number);
        }
        if numbers.values().any(|numbers| numbers.len() > 1) {
            return;
        }
        let sent = now(self.hub.send_to(USERS[user], &crate::ws::Message::from(&*text))).unwrap();
        let delivered =
            numbers.values().filter(|numbers| self.model.deliver(numbers[0], text.as_bytes(), Overflow::Disconnect));
        assert_eq!(sent, delivered.count());
    }

    fn check_wires(&self) {
        for connection in 0..CONNECTIONS {
            let (got, rest) = frames(&self.wires[connection]);
            let peer = &self.model.peers[connection];
            assert_eq!((&got, rest.len()), (&peer.got, peer.gone), "connection {connection}");
        }
    }

    fn check_counts(&self) {
        for (at, room) in self.rooms.iter().enumerate() {
            let stats = room.stats();
            let model = &self.model;
            assert_eq!((stats.connections, stats.users), (model.count(|m| m.room == at), model.users(at).len()));
            assert_eq!((stats.messages, stats.waiting), (model.room_messages[at], 0));
            assert_eq!((stats.messages_sent, stats.messages_lost), (model.room_sent[at], model.room_lost[at]));
            assert_eq!(room.members().len(), stats.connections);
            assert_eq!(room.presence().len(), stats.users);
        }
        let stats = self.hub.stats();
        let sent: u64 = self.model.peers.iter().map(|peer| peer.sent).sum();
        assert_eq!((stats.messages_sent, stats.messages_lost), (sent, self.model.room_lost.iter().sum()));
        let users: BTreeSet<_> = self.model.members.values().filter_map(|member| member.user).collect();
        assert_eq!(stats.active_users, users.len());
        assert_eq!(stats.total_rooms, (0..3).filter(|room| self.model.count(|m| m.room == *room) > 0).count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn agrees_with_a_naive_model(steps in steps()) {
        let mut both = Both::new();
        for step in &steps {
            both.step(step);
            both.check_counts();
        }
        both.check_wires();
        // All that is left to read, then everybody goes.
        for connection in 0..CONNECTIONS {
            both.step(&Do::Read { connection, bytes: 10_000 });
        }
        both.check_wires();
        while let Some(number) = both.member(0) {
            both.leave(number);
        }
        both.check_counts();
        prop_assert!(both.hub.rooms().is_empty() && both.hub.users().is_empty());
    }
}
