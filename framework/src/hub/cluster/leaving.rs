//! Nodes whose users are to leave. Whoever was connected to one that has said goodbye has the room's time of grace to come to
//! another; those of one that is gone without a word were waited for long enough.

use std::sync::{Arc, Mutex};

use tokio::{task::yield_now, time::Instant};

use super::{gossip::USERS, supervisor::Supervisor};
use crate::{broker::NodeId, hub::live::Live, sync::lock};

/// Each as long as it may have users here, and when it has said goodbye, if it did. It outlives a session with the broker: what
/// one has begun the next goes on with.
#[derive(Debug, Default)]
pub(super) struct Leaving(Mutex<Vec<(NodeId, Option<Instant>)>>);

impl Leaving {
    fn add(&self, node: NodeId, since: Option<Instant>) {
        let mut leaving = lock(&self.0);
        leaving.retain(|(known, _)| *known != node);
        leaving.push((node, since));
    }
}

impl Supervisor {
    /// A node says goodbye. It will not be asked for anything any more.
    pub(super) async fn see_off(&self, node: NodeId) {
        for live in self.rooms() {
            live.state().others.iter_mut().for_each(|others| others.see_off(node));
            live.progress();
        }
        self.leaving.add(node, Some(Instant::now()));
        self.forget_left().await;
    }

    /// These are gone without a word.
    pub(super) fn miss(&self, nodes: &[NodeId]) {
        for node in nodes {
            tracing::warn!(%node, "a node is gone without a word");
            self.leaving.add(*node, None);
        }
    }

    /// Has the users leave whose time is over.
    pub(super) async fn forget_left(&self) {
        let leaving = lock(&self.leaving.0).clone();
        for (node, since) in leaving {
            let grace = |live: &Arc<Live>| live.options.grace.unwrap_or_default();
            let is_due = |live: &Arc<Live>| since.is_none_or(|since| since.elapsed() >= grace(live));
            let (due, awaited): (Vec<_>, Vec<_>) = self.rooms().into_iter().partition(is_due);
            for live in due {
                self.forget_in(&live, node).await;
            }
            if awaited.is_empty() || self.is_there(node) {
                lock(&self.leaving.0).retain(|left| *left != (node, since));
            }
        }
    }

    /// Has a node's users leave a room, unless it is there again: then it says itself who they are.
    async fn forget_in(&self, live: &Arc<Live>, node: NodeId) {
        let gone = live.state().users_of(node);
        for gone in gone.chunks(USERS) {
            if self.is_there(node) {
                return;
            }
            live.state().depart(node, gone, live.options.announce.as_ref());
            live.drain();
            yield_now().await;
        }
        if !self.is_there(node) {
            live.state().forget(node);
        }
        live.progress();
    }

    fn is_there(&self, node: NodeId) -> bool {
        lock(&self.cluster.leases).contains(node)
    }
}
