//! What comes from the broker.

use std::{future::poll_fn, sync::Arc, task::Poll};

use bytes::Bytes;
use tokio::{task::yield_now, time::Instant};

use super::{Counts, leases::Heard, supervisor::Supervisor};
use crate::{
    broker::{Carried, Channel, Content, Envelope, Intake, NodeId, Place, Whom},
    error::Result,
    history::{Offset, Stored},
    hub::{lane::Arrival, live::Live},
    sync::lock,
    ws::{Outbound, PublishScope},
};

/// Messages that are taken in before the sockets are written to.
const BURST: usize = 64;

/// What takes longer than a message.
enum Slow {
    User(Arc<str>, Carried),
    Heard { node: NodeId, channel: Channel, content: Content },
}

impl Supervisor {
    pub(super) async fn read(&self, intake: &mut dyn Intake, session: u64) -> Result<()> {
        loop {
            let mut burst = vec![intake.next().await?];
            while burst.len() < BURST {
                let mut next = intake.next();
                // What is there already. Dropped, it has taken nothing.
                let came = poll_fn(|cx| match next.as_mut().poll(cx) {
                    Poll::Ready(came) => Poll::Ready(Some(came)),
                    Poll::Pending => Poll::Ready(None),
                });
                match came.await {
                    Some(came) => {
                        drop(next);
                        burst.push(came?);
                    }
                    None => break,
                }
            }
            Counts::add(&self.cluster.counts.received, burst.len());
            self.take_burst(burst, session).await;
            // What goes out is this task's as well.
            yield_now().await;
        }
    }

    async fn take_burst(&self, burst: Vec<(Channel, Bytes)>, session: u64) {
        let mut burst = burst.into_iter();
        loop {
            let scope = PublishScope::enter_first();
            let slow = burst.by_ref().find_map(|(channel, bytes)| self.take(channel, &bytes));
            drop(scope);
            match slow {
                Some(Slow::User(user, carried)) => self.take_for_user(user, carried).await,
                Some(Slow::Heard { node, channel, content }) => self.hear(node, channel, content, session).await,
                None => return,
            }
        }
    }

    /// Takes a message; gives back what is none.
    fn take(&self, channel: Channel, bytes: &Bytes) -> Option<Slow> {
        let envelope = match Envelope::decode(bytes) {
            Ok(envelope) => envelope,
            Err(refused) => {
                self.refuse(&refused.to_string());
                return None;
            }
        };
        let is_own = envelope.node == Some(self.cluster.node);
        match (channel, envelope.content) {
            // Those who are to get it here have it.
            (Channel::Room(_), Content::Message(_) | Content::Head(_) | Content::Presence(_)) if is_own => {}
            (Channel::Nodes | Channel::Node(_), Content::Message(_)) if is_own => {}
            (Channel::Room(room), Content::Message(carried)) => self.take_message(&room, envelope.node, carried),
            (Channel::Room(room), Content::Head(offset)) => {
                let live = self.room(&room).filter(|_| offset > 0);
                live.into_iter().for_each(|live| self.take_in(&live, Arrival::Head(offset)));
            }
            (Channel::Nodes | Channel::Node(_), Content::Message(carried)) => {
                let Whom::Only(user) = carried.to.clone() else {
                    self.refuse("expected `user` in its header");
                    return None;
                };
                let is_new = envelope.node.zip(carried.seq).is_none_or(|(node, seq)| self.is_next(node, seq));
                return is_new.then_some(Slow::User(user, carried));
            }
            (channel, content) => match envelope.node {
                Some(node) => return Some(Slow::Heard { node, channel, content }),
                None => self.refuse("expected `node` in its header"),
            },
        }
        None
    }

    fn refuse(&self, why: &str) {
        Counts::add(&self.cluster.counts.refused, 1);
        if self.refusals.is_due() {
            tracing::warn!("what came from the broker was no envelope of ours: {why}");
        }
    }

    fn take_message(&self, room: &str, node: Option<NodeId>, carried: Carried) {
        // One that was left a moment ago.
        let Some(live) = self.room(room) else { return };
        let arrival = match carried.place {
            Some(Place { offset, at }) => Arrival::Stored(Stored::new(Offset::new(offset), at, carried.message)),
            None => {
                let sent = node.zip(carried.seq);
                let is_next = |(node, seq)| live.state().others.as_mut().is_none_or(|others| others.is_next(node, seq));
                if !sent.is_none_or(is_next) {
                    return;
                }
                Arrival::Message(carried.message, carried.to.into())
            }
        };
        self.take_in(&live, arrival);
    }

    fn take_in(&self, live: &Arc<Live>, arrival: Arrival) {
        let is_taken = live.take_in(arrival);
        Counts::add(&self.cluster.counts.missed, usize::from(!is_taken));
    }

    async fn take_for_user(&self, user: Arc<str>, carried: Carried) {
        let Some(registry) = self.registry.upgrade() else { return };
        let encoded = carried.message.encode();
        if let Ok(encoded) = encoded {
            registry.send_to(&user, &encoded).await;
        }
    }

    /// What a node says of itself.
    async fn hear(&self, node: NodeId, channel: Channel, content: Content, session: u64) {
        if node == self.cluster.node {
            if let Content::Beat { session: of, number } = content {
                if of == session {
                    self.echo(number);
                }
            }
            return;
        }
        if let Content::Beat { session: of, .. } = content {
            let heard = lock(&self.cluster.leases).hear(node, of, Instant::now());
            if heard == Heard::New {
                // That it need not wait for the next time to know of us.
                self.beat(session);
                self.expect_from(node, session).await;
            }
            return;
        }
        let is_known = lock(&self.cluster.leases).contains(node);
        match (channel, content) {
            // A hub outside of all servers may ask.
            (Channel::Node(_), Content::Ask { session: of, rooms }) => self.answer(node, of, rooms).await,
            _ if !is_known => {}
            (Channel::Room(room), Content::Presence(delta)) => self.take_delta(node, &room, delta, session).await,
            (Channel::Nodes, Content::Digest(versions)) => self.take_digest(node, versions, session),
            (Channel::Nodes, Content::Bye { session: of }) => {
                if lock(&self.cluster.leases).leave(node, of, Instant::now()) {
                    self.see_off(node).await;
                }
            }
            (Channel::Node(_), Content::Lists { session: of, lists }) => {
                for list in lists.into_iter().filter(|_| of == session) {
                    self.take_list(node, list, session).await;
                }
            }
            _ => self.refuse("it came on a channel where it does not belong"),
        }
    }
}
