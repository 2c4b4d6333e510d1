//! The other nodes, each as long as it is heard.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::broker::NodeId;

/// Who was not heard for so long is gone.
const LEASE: Duration = Duration::from_secs(9);
/// How long what a node had sent before it said goodbye may still be on its way.
const FAREWELL: Duration = Duration::from_secs(30);
/// More nodes than that are somebody's joke.
const MOST: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Leases {
    nodes: HashMap<NodeId, Lease>,
    /// Who has said goodbye: its session, and when.
    left: HashMap<NodeId, (u64, Instant)>,
}

#[derive(Debug)]
struct Lease {
    session: u64,
    heard: Instant,
}

/// What a sign of life means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing new.
    Known,
    /// The node is new, or has been away from the broker: what it had told may be out of date.
    New,
    /// It has said goodbye already, or there are too many.
    Ignored,
}

impl Leases {
    /// A node gives a sign of life.
    pub(super) fn hear(&mut self, node: NodeId, session: u64, now: Instant) -> Heard {
        if self.left.get(&node).is_some_and(|(left, _)| session <= *left) {
            return Heard::Ignored;
        }
        let is_full = self.nodes.len() >= MOST;
        match self.nodes.get_mut(&node) {
            Some(lease) => {
                lease.heard = now;
                // One that is late.
                if session <= lease.session {
                    return Heard::Known;
                }
                lease.session = session;
            }
            None if is_full => return Heard::Ignored,
            None => drop(self.nodes.insert(node, Lease { session, heard: now })),
        }
        Heard::New
    }

    /// A node says goodbye. Whether it was there.
    pub(super) fn leave(&mut self, node: NodeId, session: u64, now: Instant) -> bool {
        if self.nodes.get(&node).is_none_or(|lease| session < lease.session) {
            return false;
        }
        self.left.insert(node, (session, now));
        self.nodes.remove(&node).is_some()
    }

    /// Who is gone without a word. Those who left are forgotten in time.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<NodeId> {
        self.left.retain(|_, (_, left)| now.duration_since(*left) < FAREWELL);
        let is_gone = |lease: &Lease| now.duration_since(lease.heard) >= LEASE;
        let gone: Vec<_> = self.nodes.iter().filter(|(_, lease)| is_gone(lease)).map(|(node, _)| *node).collect();
        for node in &gone {
            self.nodes.remove(node);
        }
        gone
    }

    /// We were away ourselves: all their time begins anew.
    pub(super) fn renew(&mut self, now: Instant) {
        self.nodes.values_mut().for_each(|lease| lease.heard = now);
    }

    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.nodes.contains_key(&node)
    }

    pub(super) fn all(&self) -> Vec<NodeId> {
        self.nodes.keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_heard_is_gone() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let (one, other) = (NodeId(1), NodeId(2));
        let mut leases = Leases::default();
        assert_eq!(leases.hear(one, 1, start), Heard::New);
        assert_eq!(leases.hear(other, 1, start), Heard::New);
        assert_eq!(leases.hear(one, 1, after(2)), Heard::Known);
        assert_eq!(leases.expire(after(8)), []);
        assert_eq!(leases.expire(after(9)), [other]);
        leases.renew(after(10));
        assert_eq!(leases.expire(after(18)), []);
        assert_eq!(leases.hear(one, 2, after(18)), Heard::New);
        assert_eq!(leases.hear(one, 1, after(18)), Heard::Known);
        assert_eq!(leases.expire(after(27)), [one]);
        assert_eq!((leases.len(), leases.hear(one, 2, after(28))), (0, Heard::New));
    }

    #[test]
    fn who_has_left_is_not_there_because_of_what_is_late() {
        let start = Instant::now();
        let node = NodeId(1);
        let mut leases = Leases::default();
        assert_eq!(leases.hear(node, 2, start), Heard::New);
        assert!(!leases.leave(node, 1, start), "of a session before");
        assert!(leases.leave(node, 2, start));
        assert!(!leases.leave(node, 2, start));
        assert_eq!(leases.hear(node, 2, start), Heard::Ignored);
        assert_eq!(leases.hear(node, 3, start), Heard::New);
    }

    #[test]
    fn there_are_not_too_many() {
        let start = Instant::now();
        let mut leases = Leases::default();
        for node in 0..5000 {
            leases.hear(NodeId(node), 1, start);
        }
        assert_eq!((leases.len(), leases.hear(NodeId(7), 1, start)), (MOST, Heard::Known));
    }
}
