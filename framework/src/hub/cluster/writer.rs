//! What goes to the broker.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;

use super::{Command, Counts, Item, outgoing::Post, supervisor::Supervisor};
use crate::{
    broker::{Channel, Content, Envelope, Outlet},
    error::Result,
    hub::live::Live,
    sync::lock,
};

/// Messages that were taken out of the queue and are not with the broker yet, but for those that are stored: others find them.
struct Unsent<'a> {
    counts: &'a Counts,
    messages: usize,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        Counts::add(&self.counts.dropped, self.messages);
    }
}

impl Supervisor {
    /// Sends what waits, and follows commands, until the hub ends.
    pub(super) async fn write(&self, outlet: &mut dyn Outlet, session: u64) -> Result<()> {
        outlet.subscribe(&[Channel::Nodes, self.cluster.node.channel()]).await?;
        let queue = &self.cluster.queue;
        queue.open();
        self.beat(session);
        for live in self.rooms() {
            queue.command(Command::Subscribe(Arc::downgrade(&live)));
            // They may have been on their way when the session before ended.
            live.state().unqueue_news();
            live.tell_others();
        }
        let (mut stop, mut subscribed) = (self.cluster.stop.subscribe(), HashSet::new());
        while let Some(work) = queue.next(&mut stop).await {
            let messages = work.items.iter().filter(|item| item.is_lost_with_us()).count();
            let unsent = Unsent { counts: &self.cluster.counts, messages };
            self.follow(outlet, work.commands, session, &mut subscribed).await?;
            self.publish(outlet, work.items, session, unsent).await?;
        }
        if self.cluster.is_outside {
            return Ok(());
        }
        let goodbye = Envelope { node: Some(self.cluster.node), content: Content::Bye { session } };
        outlet.publish(&goodbye.encode().map(|bytes| (Channel::Nodes, bytes)).into_iter().collect::<Vec<_>>()).await
    }

    async fn follow(
        &self,
        outlet: &mut dyn Outlet,
        commands: Vec<Command>,
        session: u64,
        subscribed: &mut HashSet<Arc<str>>,
    ) -> Result<()> {
        let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
        for command in commands {
            match command {
                Command::Subscribe(live) => wanted.extend(live.upgrade().filter(|live| live.wants(session))),
                // Somebody may have come back: then it stays.
                Command::Unsubscribe(name) => {
                    let is_left = self.room(&name).is_none() && subscribed.remove(&name);
                    unwanted.extend(is_left.then_some(Channel::Room(name)));
                }
            }
        }
        if !unwanted.is_empty() {
            outlet.unsubscribe(&unwanted).await?;
        }
        let is_new = |live: &&Arc<Live>| subscribed.insert(live.name.clone());
        let new: Vec<_> = wanted.iter().filter(is_new).map(|live| Channel::Room(live.name.clone())).collect();
        if !new.is_empty() {
            outlet.subscribe(&new).await?;
        }
        self.expect_all(&wanted, session);
        // What was missed meanwhile is in the store.
        let were_there = wanted.iter().filter(|live| live.subscribed(session)).count() > 0;
        if let Some(registry) = self.registry.upgrade().filter(|_| were_there) {
            registry.sweeper.sweep_now();
        }
        Ok(())
    }

    /// Sends what has waited, in one go.
    async fn publish(
        &self,
        outlet: &mut dyn Outlet,
        items: VecDeque<Item>,
        session: u64,
        mut unsent: Unsent<'_>,
    ) -> Result<()> {
        let most = outlet.max_len();
        let (mut batch, mut receipts) = (Vec::with_capacity(items.len()), Vec::new());
        let mut messages = 0;
        for item in items {
            match item {
                Item::Message(post) => match self.envelope(&post, most) {
                    Some(bytes) => {
                        batch.push((post.channel, bytes));
                        receipts.extend(post.receipt);
                        messages += 1;
                    }
                    None => {
                        unsent.messages -= usize::from(post.place.is_none());
                        self.cluster.lose(&post);
                    }
                },
                Item::Presence(room) => {
                    batch.extend(self.news(&room).into_iter().filter(|(_, bytes)| bytes.len() <= most))
                }
                Item::Control(channel, bytes) if bytes.len() <= most => batch.push((channel, bytes)),
                Item::Control(..) => self.too_long("what nodes tell each other"),
            }
        }
        if !receipts.is_empty() {
            // When we hear it, the broker has had all before it.
            let (number, beat) = self.next_beat(session);
            batch.extend(beat);
            lock(&self.receipts).push_back((number, receipts));
        }
        outlet.publish(&batch).await?;
        unsent.messages = 0;
        Counts::add(&self.cluster.counts.published, messages);
        Ok(())
    }

    /// A message as it goes out: of a stored one that is too long for that, its offset.
    fn envelope(&self, post: &Post, most: usize) -> Option<Bytes> {
        let number = self.cluster.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let fits = |bytes: &Bytes| bytes.len() <= most;
        let bytes = post.encode(self.cluster.node, number).filter(fits);
        let head = || {
            let content = Content::Head(post.place?.offset);
            Envelope { node: Some(self.cluster.node), content }.encode().filter(fits)
        };
        let bytes = bytes.or_else(head);
        if bytes.is_none() {
            self.too_long("a message");
        }
        bytes
    }
}
