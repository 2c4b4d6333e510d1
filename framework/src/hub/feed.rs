//! A room as a stream, for those who only listen.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;

use super::Room;
use crate::{
    config::Overflow,
    sync::lock,
    ws::{Tally, Text, proto::Prepared},
};

/// What may wait for a listener: as much as for a socket, unless its limits say otherwise.
const MESSAGES: usize = 1024;
const BYTES: usize = 256 * 1024;

/// The room's end of a listener. Locked alone or behind the room; never across a wait.
#[derive(Debug)]
pub(super) struct Feed {
    /// The number after which it listens.
    pub(super) joined: u64,
    overflow: Overflow,
    tally: Tally,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    texts: VecDeque<Text>,
    bytes: usize,
    /// It was too slow.
    ended: bool,
    waker: Option<Waker>,
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.texts.len() >= MESSAGES || self.bytes >= BYTES
    }

    fn pop(&mut self) -> Option<Text> {
        let text = self.texts.pop_front()?;
        self.bytes -= text.len();
        Some(text)
    }
}

impl Feed {
    /// Takes a message, without waiting: a full queue is dealt with as the room's policy says. Whether it was taken.
    pub(super) fn push(&self, text: &Text) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.ended {
            return false;
        }
        let takes = !waiting.is_full() || self.make_room(&mut waiting);
        if takes {
            waiting.bytes += text.len();
            waiting.texts.push_back(text.clone());
        } else {
            self.tally.lose();
        }
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
        takes
    }

    fn make_room(&self, waiting: &mut Waiting) -> bool {
        match self.overflow {
            Overflow::DropNewest => return false,
            Overflow::DropOldest => {
                while waiting.is_full() && waiting.pop().is_some() {
                    self.tally.lose();
                }
            }
            Overflow::Disconnect => {
                tracing::debug!("a listener is too slow");
                waiting.texts.iter().for_each(|_| self.tally.lose());
                *waiting = Waiting { ended: true, waker: waiting.waker.take(), ..Waiting::default() };
                return false;
            }
        }
        true
    }
}

/// Hands a message to those who only listen, up to `share` of them. Gives how many it was and how many got it, and who is
/// the next.
pub(super) fn tell<'a>(
    feeds: impl Iterator<Item = (&'a u64, &'a Arc<Feed>)>,
    number: u64,
    message: &Prepared,
    share: usize,
) -> ((usize, u64), Option<u64>) {
    let (mut spent, mut sent, mut text) = (0, 0, None);
    for (key, feed) in feeds.filter(|(_, feed)| feed.joined < number) {
        if spent == share {
            return ((spent, sent), Some(*key));
        }
        if text.is_none() {
            text = message.text();
        }
        // Binary messages are not for them.
        let Some(text) = &text else { break };
        spent += 1;
        sent += u64::from(feed.push(text));
    }
    ((spent, sent), None)
}

/// What a room says, from now on, as texts. Dropped, nobody listens any more.
pub(super) struct Listener {
    room: Room,
    number: u64,
    feed: Arc<Feed>,
}

impl Listener {
    pub(super) fn new(room: Room) -> Self {
        let live = &room.live;
        let overflow = live.options.overflow.unwrap_or(live.overflow);
        let (tally, waiting) = (Tally::below(live.tally.clone()), Mutex::default());
        let number = live.registry.next_member();
        let feed = live.state().listen(number, |joined| Feed { joined, overflow, tally, waiting });
        Self { room, number, feed }
    }
}

impl Stream for Listener {
    type Item = Text;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Text>> {
        let mut waiting = lock(&self.feed.waiting);
        match waiting.pop() {
            Some(text) => Poll::Ready(Some(text)),
            None if waiting.ended => Poll::Ready(None),
            None => {
                waiting.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.room.live.state().feeds.remove(&self.number);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.room).finish()
    }
}
