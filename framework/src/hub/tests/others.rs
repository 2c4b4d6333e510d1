//! The presence of several nodes: whatever is lost, doubled or late between them, in the end all see the union, and what
//! each was told adds up to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::AtomicU64,
    time::Duration,
};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{sync::broadcast::Receiver, time::Instant};

use super::*;
use crate::{
    broker::{Delta, List, NodeId},
    hub::state::{Clock, Newcomer, Others, State, Verdict},
};

const NODES: usize = 3;
const USERS: [&str; 4] = ["ann", "bob", "eve", "\u{1f600}"];

#[derive(Clone, Debug)]
enum Step {
    /// A connection of a user joins, or the oldest leaves, on a node.
    Join(usize, usize),
    Leave(usize, usize),
    /// A node tells what has changed, and the oldest, or another message of what is under way arrives somewhere, comes
    /// twice, or is lost.
    Tell(usize),
    Arrive(usize, prop::sample::Index),
    Again(usize, prop::sample::Index),
    Lose(usize, prop::sample::Index),
    /// A node asks for what it misses, and tells its versions.
    Ask(usize),
    Digest(usize),
    /// A node is given up by another, and found again; or it stops serving the room, and begins anew.
    Forget(usize, usize),
    Find(usize, usize),
    Restart(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (node, user) = (0..NODES, 0..USERS.len());
    let pick = any::<prop::sample::Index>();
    let step = prop_oneof![
        4 => (node.clone(), user.clone()).prop_map(|(node, user)| Step::Join(node, user)),
        4 => (node.clone(), user).prop_map(|(node, user)| Step::Leave(node, user)),
        6 => node.clone().prop_map(Step::Tell),
        8 => (node.clone(), pick.clone()).prop_map(|(node, pick)| Step::Arrive(node, pick)),
        1 => (node.clone(), pick.clone()).prop_map(|(node, pick)| Step::Again(node, pick)),
        1 => (node.clone(), pick).prop_map(|(node, pick)| Step::Lose(node, pick)),
        2 => node.clone().prop_map(Step::Ask),
        1 => node.clone().prop_map(Step::Digest),
        1 => (node.clone(), node.clone()).prop_map(|(node, other)| Step::Forget(node, other)),
        1 => (node.clone(), node.clone()).prop_map(|(node, other)| Step::Find(node, other)),
        1 => node.prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..200)
}

#[derive(Clone, Debug)]
enum Told {
    Delta(usize, Delta),
    List(usize, List),
    Version(usize, u64),
}

struct Node {
    state: State,
    clock: Arc<Clock>,
    versions: AtomicU64,
    /// The version that was told last.
    told: u64,
    /// The users' connections, and who is there by the events.
    members: BTreeMap<&'static str, Vec<u64>>,
    there: BTreeSet<String>,
    events: Receiver<PresenceEvent>,
    /// On its way here.
    inbox: Vec<Told>,
}

struct World {
    nodes: Vec<Node>,
    connection: Arc<Connection>,
    next: u64,
    now: Instant,
}

fn id(node: usize) -> NodeId {
    NodeId(node as u128)
}

impl World {
    fn new() -> Self {
        let hub = Hub::default();
        let node = |at| {
            let (mut state, clock) = (State::default(), Arc::<Clock>::default());
            state.share(Others::new(id(at), clock.clone(), 0));
            let (events, members, there) = (state.events(), BTreeMap::new(), BTreeSet::new());
            Node { state, clock, versions: AtomicU64::new(0), told: 0, members, there, events, inbox: Vec::new() }
        };
        let connection = Fake::new(1, &Arc::default(), &hub).0;
        let mut world = Self { nodes: (0..NODES).map(node).collect(), connection, next: 1, now: Instant::now() };
        (0..NODES).for_each(|node| (0..NODES).for_each(|other| world.find(node, other)));
        world
    }

    fn others(&mut self, node: usize) -> &mut Others {
        self.nodes[node].state.others.as_mut().expect("other nodes")
    }

    fn find(&mut self, node: usize, other: usize) {
        if node != other {
            self.others(node).expect(id(other));
        }
    }

    fn forget(&mut self, node: usize, other: usize) {
        let state = &mut self.nodes[node].state;
        let gone = state.users_of(id(other));
        state.depart(id(other), &gone, None);
        state.forget(id(other));
    }

    fn join(&mut self, node: usize, user: &'static str) {
        self.next += 1;
        let meta = Arc::new(json!({ "n": self.next }));
        let newcomer = Newcomer { user: Some((user.into(), meta)), ..Newcomer::default() };
        let Node { state, members, .. } = &mut self.nodes[node];
        state.join(self.next, self.connection.clone(), Arc::default(), newcomer, None);
        members.entry(user).or_default().push(self.next);
    }

    fn leave(&mut self, node: usize, user: &'static str) {
        let Node { state, members, .. } = &mut self.nodes[node];
        let Some(connections) = members.get_mut(user) else { return };
        state.leave(connections.remove(0), None, None);
        if connections.is_empty() {
            members.remove(user);
        }
    }

    fn tell(&mut self, node: usize) {
        self.nodes[node].state.unqueue_news();
        loop {
            let Node { state, versions, told, .. } = &mut self.nodes[node];
            let Some(delta) = state.tell(versions) else { return };
            *told = delta.to;
            self.send(node, &Told::Delta(node, delta));
        }
    }

    /// To all others.
    fn send(&mut self, node: usize, told: &Told) {
        for (_, other) in self.nodes.iter_mut().enumerate().filter(|(other, _)| *other != node) {
            other.inbox.push(told.clone());
        }
    }

    fn digest(&mut self, node: usize) {
        let told = self.nodes[node].told;
        self.send(node, &Told::Version(node, told));
    }

    /// Asks for what is missing; the answers are on their way.
    fn ask(&mut self, node: usize) {
        self.now += Duration::from_secs(2);
        let now = self.now;
        for asked in self.others(node).ask(now) {
            let asked = asked.0 as usize;
            let (version, parts) = self.nodes[asked].state.list().expect("a list");
            let count = parts.len() as u32;
            for (part, users) in (0..).zip(parts) {
                let list = List { room: "a".into(), version, part, parts: count, users };
                self.nodes[node].inbox.push(Told::List(asked, list));
            }
        }
    }

    fn arrive(&mut self, node: usize, told: Told) {
        let others = self.others(node);
        let (from, verdict) = match told {
            Told::Delta(from, delta) => (from, others.take_delta(id(from), delta)),
            Told::List(from, list) => (from, others.take_list(id(from), list)),
            Told::Version(from, version) => {
                others.hear_of(id(from), version);
                return;
            }
        };
        let Verdict::Take { users, gone, version } = verdict else { return };
        let state = &mut self.nodes[node].state;
        state.attend(id(from), &users, None);
        state.depart(id(from), &gone, None);
        self.others(node).has(id(from), version);
    }

    /// All leave, of which the others may learn or not. The room is not served any more, and then it is.
    fn restart(&mut self, node: usize) {
        for user in USERS {
            while self.nodes[node].members.contains_key(user) {
                self.leave(node, user);
            }
        }
        self.tell(node);
        self.hear(node);
        let Node { state, clock, versions, there, events, .. } = &mut self.nodes[node];
        state.stop_sharing();
        assert!(state.presence.is_empty() && state.is_deserted());
        // Nobody was there to be told.
        (*there, *events) = (BTreeSet::new(), state.events());
        let version = versions.load(Ordering::Relaxed);
        state.share(Others::new(id(node), clock.clone(), version));
        (0..NODES).for_each(|other| self.find(node, other));
    }

    /// What the node was told is what it sees.
    fn hear(&mut self, node: usize) {
        let Node { state, there, events, .. } = &mut self.nodes[node];
        while let Ok(event) = events.try_recv() {
            match event {
                PresenceEvent::Joined(user) => assert!(there.insert(user.id().into()), "{user:?} has joined twice"),
                PresenceEvent::Left(user) => assert!(there.remove(user.id()), "{user:?} was not there"),
            }
        }
        let seen: BTreeSet<String> = state.presence.iter().map(|user| user.id().into()).collect();
        assert_eq!(*there, seen);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Join(node, user) => self.join(node, USERS[user]),
            Step::Leave(node, user) => self.leave(node, USERS[user]),
            Step::Tell(node) => self.tell(node),
            Step::Ask(node) => self.ask(node),
            Step::Digest(node) => self.digest(node),
            Step::Forget(node, other) if node != other => self.forget(node, other),
            Step::Forget(..) => {}
            Step::Find(node, other) => self.find(node, other),
            Step::Restart(node) => self.restart(node),
            Step::Arrive(node, _) | Step::Lose(node, _) | Step::Again(node, _) if self.nodes[node].inbox.is_empty() => {
            }
            Step::Arrive(node, pick) => {
                let at = pick.index(self.nodes[node].inbox.len());
                let told = self.nodes[node].inbox.remove(at);
                self.arrive(node, told);
            }
            Step::Lose(node, pick) => {
                let at = pick.index(self.nodes[node].inbox.len());
                self.nodes[node].inbox.remove(at);
            }
            Step::Again(node, pick) => {
                let told = pick.get(&self.nodes[node].inbox).clone();
                self.arrive(node, told);
            }
        }
        (0..NODES).for_each(|node| self.hear(node));
    }

    /// The network works, and everybody knows of everybody.
    fn settle(&mut self) {
        for node in 0..NODES {
            for other in (0..NODES).filter(|other| *other != node) {
                if self.nodes[node].state.users_of(id(other)).is_empty() {
                    self.find(node, other);
                }
            }
        }
        for _ in 0..4 {
            (0..NODES).for_each(|node| self.tell(node));
            (0..NODES).for_each(|node| self.digest(node));
            (0..NODES).for_each(|node| self.ask(node));
            for node in 0..NODES {
                for told in std::mem::take(&mut self.nodes[node].inbox) {
                    self.arrive(node, told);
                }
                self.hear(node);
            }
        }
    }

    fn check(&mut self) {
        let mut expected = BTreeMap::<&str, usize>::new();
        for node in &self.nodes {
            node.members.iter().for_each(|(user, members)| *expected.entry(user).or_default() += members.len());
        }
        let metas = |node: &Node| node.state.presence.iter().map(|user| user.meta().clone()).collect::<Vec<Value>>();
        let first = metas(&self.nodes[0]);
        for at in 0..NODES {
            assert!(self.others(at).is_synced(), "node {at} misses something");
            let node = &self.nodes[at];
            let seen =
                node.state.presence.iter().map(|user| (user.id(), user.connections())).collect::<BTreeMap<_, _>>();
            assert_eq!((&seen, metas(node)), (&expected, first.clone()), "node {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn all_see_the_union_in_the_end(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        world.check();
        // What a user joins with last counts, wherever that is.
        for node in (0..NODES).rev() {
            world.join(node, USERS[0]);
            world.settle();
            world.check();
            let user = world.nodes[0].state.presence.get(USERS[0]).expect("the user");
            assert_eq!(user.meta(), &json!({ "n": world.next }));
        }
    }
}

/// More than an envelope holds, and users that fit into none.
#[test]
fn a_list_comes_in_parts() {
    let mut world = World::new();
    for number in 0..1000 {
        let user: &'static str = Box::leak(format!("user{number}").into_boxed_str());
        world.join(0, user);
    }
    world.join(0, Box::leak("x".repeat(2000).into_boxed_str()));
    let (version, parts) = world.nodes[0].state.list().unwrap();
    assert!(parts.len() >= 4 && parts.iter().map(Vec::len).sum::<usize>() == 1000);
    let count = parts.len() as u32;
    let lists: Vec<_> =
        (0..).zip(parts).map(|(part, users)| List { room: "a".into(), version, part, parts: count, users }).collect();
    // The last first, one twice, one of another list in between.
    let other = List { room: "a".into(), version: version + 1, part: 7, parts: 9, users: Vec::new() };
    world.arrive(1, Told::List(0, other));
    for list in lists.iter().rev().chain(&lists[1..2]) {
        assert!(world.nodes[1].state.presence.is_empty() || list.part == 1);
        world.arrive(1, Told::List(0, list.clone()));
    }
    assert_eq!(world.nodes[1].state.presence.len(), 1000);
    // What changed meanwhile comes as changes, in as many envelopes as it takes.
    let (versions, mut told) = (AtomicU64::new(version), 0);
    while let Some(delta) = world.nodes[0].state.tell(&versions) {
        assert!(delta.users.len() <= 256 && delta.is_whole == (told == 0));
        told += delta.users.len();
        world.arrive(1, Told::Delta(0, delta));
        assert_eq!(world.nodes[1].state.presence.len(), 1000);
    }
    assert_eq!(told, 1000);
}
