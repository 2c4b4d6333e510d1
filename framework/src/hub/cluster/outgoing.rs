//! What waits to go to the broker: bounded, and waited for by nobody.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, Weak},
};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};

use crate::{
    broker::{Channel, NodeId, Outgoing, Place, Whom},
    hub::live::Live,
    sync::lock,
    ws::Encoded,
};

/// Messages that may wait, and their bytes.
const MESSAGES: usize = 1024;
const BYTES: usize = 4 * 1024 * 1024;
/// Bytes of what nodes tell each other about themselves that may wait; it is asked for again.
const CONTROL_BYTES: usize = 4 * 1024 * 1024;
/// About the bytes that go out at once, so that no sign of life waits for long.
const BATCH_BYTES: usize = 1024 * 1024;
/// Commands that are followed at once.
const COMMANDS: usize = 512;

/// In the order in which it goes out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    commands: VecDeque<Command>,
    messages: usize,
    bytes: usize,
    control: usize,
    /// The broker can't be reached: nothing waits for it.
    is_away: bool,
    /// There is a session, which follows commands.
    is_open: bool,
    /// What was taken is not with the broker yet.
    is_under_way: bool,
}

#[derive(Debug)]
pub(super) enum Item {
    Message(Post),
    /// The presence of this room has changed.
    Presence(Weak<Live>),
    Control(Channel, Bytes),
}

impl Item {
    /// A message that no node finds in a store.
    pub(super) fn is_lost_with_us(&self) -> bool {
        matches!(self, Self::Message(post) if post.place.is_none())
    }

    fn len(&self) -> usize {
        match self {
            Self::Message(post) => post.payload.len(),
            Self::Presence(_) => 0,
            Self::Control(_, bytes) => bytes.len(),
        }
    }
}

/// A message for other nodes.
#[derive(Debug)]
pub(in crate::hub) struct Post {
    pub(super) channel: Channel,
    pub(super) is_text: bool,
    pub(super) payload: Bytes,
    pub(super) to: Whom,
    pub(super) place: Option<Place>,
    /// Who waits until the broker has it.
    pub(super) receipt: Option<oneshot::Sender<()>>,
}

#[derive(Debug)]
pub(super) enum Command {
    Subscribe(Weak<Live>),
    Unsubscribe(Arc<str>),
}

/// What is to be done next.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) commands: Vec<Command>,
    pub(super) items: VecDeque<Item>,
}

impl Post {
    pub(in crate::hub) fn new(channel: Channel, message: &Encoded<'_>) -> Self {
        let (is_text, payload) = (message.is_text(), message.payload.from(0));
        Self { channel, is_text, payload, to: Whom::All, place: None, receipt: None }
    }

    /// For some of them.
    pub(in crate::hub) fn to(mut self, whom: Whom) -> Self {
        self.to = whom;
        self
    }

    /// It is stored there.
    pub(in crate::hub) fn at(mut self, offset: u64, at: u64) -> Self {
        self.place = Some(Place { offset, at });
        self
    }

    /// As an envelope. What is not stored is numbered, so that nobody gets it twice.
    pub(super) fn encode(&self, node: NodeId, number: u64) -> Option<Bytes> {
        let outgoing = Outgoing {
            node: Some(node),
            is_text: self.is_text,
            payload: &self.payload,
            to: &self.to,
            seq: self.place.is_none().then_some(number),
            place: self.place,
        };
        outgoing.encode()
    }
}

impl Queue {
    /// Puts a message there. Gives it back if there is no room for it, or no broker.
    pub(super) fn send(&self, post: Post) -> Result<(), Post> {
        let mut waiting = lock(&self.waiting);
        let len = post.payload.len();
        if waiting.is_away || waiting.messages >= MESSAGES || (waiting.messages > 0 && waiting.bytes + len > BYTES) {
            return Err(post);
        }
        waiting.messages += 1;
        waiting.bytes += len;
        waiting.items.push_back(Item::Message(post));
        drop(waiting);
        self.wake.notify_one();
        Ok(())
    }

    /// A room's presence is to be told, when its turn comes. Whether it will be.
    pub(super) fn tell(&self, room: Weak<Live>) -> bool {
        self.put(|waiting| {
            let takes = !waiting.is_away;
            takes.then(|| waiting.items.push_back(Item::Presence(room))).is_some()
        })
    }

    /// What nodes tell each other.
    pub(super) fn control(&self, channel: Channel, bytes: Bytes) {
        self.put(|waiting| {
            let takes = waiting.is_open && waiting.control + bytes.len() <= CONTROL_BYTES;
            if takes {
                waiting.control += bytes.len();
                waiting.items.push_back(Item::Control(channel, bytes));
            }
            takes
        });
    }

    /// A sign of life, which goes first.
    pub(super) fn beat(&self, channel: Channel, bytes: Bytes) {
        self.put(|waiting| {
            if waiting.is_open {
                waiting.control += bytes.len();
                waiting.items.push_front(Item::Control(channel, bytes));
            }
            waiting.is_open
        });
    }

    /// A session that begins finds out by itself what to subscribe to.
    pub(super) fn command(&self, command: Command) {
        self.put(|waiting| {
            let is_open = waiting.is_open;
            is_open.then(|| waiting.commands.push_back(command)).is_some()
        });
    }

    fn put(&self, put: impl FnOnce(&mut Waiting) -> bool) -> bool {
        let is_put = put(&mut lock(&self.waiting));
        if is_put {
            self.wake.notify_one();
        }
        is_put
    }

    /// What is to be done next; `None` when all is done and no more is wanted.
    ///
    /// Cancel safety: dropped before it is done, nothing was taken.
    pub(super) async fn next(&self, stop: &mut watch::Receiver<bool>) -> Option<Work> {
        loop {
            let work = self.take();
            if !(work.commands.is_empty() && work.items.is_empty()) {
                return Some(work);
            }
            if *stop.borrow_and_update() {
                return None;
            }
            tokio::select! {
                // Something was put there.
                () = self.wake.notified() => {}
                // The end.
                _ = stop.changed() => {}
            }
        }
    }

    fn take(&self) -> Work {
        let mut waiting = lock(&self.waiting);
        let most = waiting.commands.len().min(COMMANDS);
        let commands = waiting.commands.drain(..most).collect();
        let (mut items, mut bytes) = (VecDeque::new(), 0);
        while bytes < BATCH_BYTES {
            let Some(item) = waiting.items.pop_front() else { break };
            bytes += item.len();
            match &item {
                Item::Message(post) => {
                    waiting.messages -= 1;
                    waiting.bytes -= post.payload.len();
                }
                Item::Control(_, bytes) => waiting.control -= bytes.len(),
                Item::Presence(_) => {}
            }
            items.push_back(item);
        }
        waiting.is_under_way = !items.is_empty();
        Work { commands, items }
    }

    /// Whether the broker has had all that was sent.
    pub(super) fn is_done(&self) -> bool {
        let waiting = lock(&self.waiting);
        waiting.items.is_empty() && !waiting.is_under_way
    }

    /// There is a session.
    pub(super) fn open(&self) {
        let mut waiting = lock(&self.waiting);
        (waiting.is_open, waiting.is_away) = (true, false);
    }

    /// There is none any more. What waits goes on waiting: there may be another one soon.
    pub(super) fn close(&self) {
        let mut waiting = lock(&self.waiting);
        (waiting.is_open, waiting.is_under_way, waiting.control) = (false, false, 0);
        waiting.commands.clear();
        waiting.items.retain(|item| !matches!(item, Item::Control(..)));
    }

    /// There will be none for a while: gives what was given up.
    pub(super) fn give_up(&self) -> VecDeque<Item> {
        let mut waiting = lock(&self.waiting);
        waiting.is_away = true;
        (waiting.messages, waiting.bytes, waiting.control) = (0, 0, 0);
        std::mem::take(&mut waiting.items)
    }

    /// Somebody tries anew.
    pub(super) fn reset(&self) {
        lock(&self.waiting).is_away = false;
    }
}
