//! A room as a stream, for those who only listen.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroU64,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use tokio::runtime::Handle;

use super::{Room, cluster::Served, state::is_for};
use crate::{
    config::Overflow,
    error::Result,
    sse::Event,
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

/// One who only listens.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) feed: Arc<Feed>,
    /// It has the stored messages up to this offset, as a member has.
    pub(super) has: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    texts: VecDeque<(u64, Text)>,
    bytes: usize,
    /// It was too slow.
    ended: bool,
    waker: Option<Waker>,
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.texts.len() >= MESSAGES || self.bytes >= BYTES
    }

    fn pop(&mut self) -> Option<(u64, Text)> {
        let (offset, text) = self.texts.pop_front()?;
        self.bytes -= text.len();
        Some((offset, text))
    }
}

impl Feed {
    /// Takes a message and where it is stored, 0 if it is not, without waiting: a full queue is dealt with as the room's
    /// policy says. Whether it was taken.
    pub(super) fn push(&self, text: &Text, offset: u64) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.ended {
            return false;
        }
        let takes = !waiting.is_full() || self.make_room(&mut waiting);
        if takes {
            waiting.bytes += text.len();
            waiting.texts.push_back((offset, text.clone()));
        } else {
            self.tally.lose();
        }
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
        takes
    }

    /// Messages and bytes that may be handed over at once: up to a half, so that there is room for what comes next.
    pub(super) fn spare(&self) -> (usize, usize) {
        let waiting = lock(&self.waiting);
        ((MESSAGES / 2).saturating_sub(waiting.texts.len()), (BYTES / 2).saturating_sub(waiting.bytes))
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
/// the next. The message has this number, and is stored at this offset, or nowhere.
pub(super) fn tell<'a>(
    feeds: impl Iterator<Item = (&'a u64, &'a Listening)>,
    (number, offset): (u64, u64),
    message: &Prepared,
    share: usize,
) -> ((usize, u64), Option<u64>) {
    let (mut spent, mut sent, mut text) = (0, 0, None);
    for (key, Listening { feed, .. }) in feeds.filter(|(_, one)| one.feed.joined < number && is_for(offset, one.has)) {
        if spent == share {
            return ((spent, sent), Some(*key));
        }
        if text.is_none() {
            text = message.text();
        }
        // Binary messages are not for them.
        let Some(text) = &text else { break };
        spent += 1;
        sent += u64::from(feed.push(text, offset));
    }
    ((spent, sent), None)
}

/// What a room says, from now on, as events: those of stored messages have their offsets as ids. Dropped, nobody listens
/// any more.
pub(super) struct Listener {
    pub(super) room: Room,
    pub(super) number: u64,
    feed: Arc<Feed>,
    /// The room is served, if it has to do with other processes.
    pub(super) served: Option<Arc<Served>>,
}

impl Listener {
    pub(super) fn new(room: Room, is_behind: bool) -> Self {
        let live = &room.live;
        let served = live.hold().map(Arc::new);
        let overflow = live.options.overflow.unwrap_or(live.overflow);
        let (tally, waiting) = (Tally::below(live.tally.clone()), Mutex::default());
        let number = live.registry.next_member();
        let feed = live.state().listen(number, is_behind, |joined| Feed { joined, overflow, tally, waiting });
        Self { room, number, feed, served }
    }

    /// Has the room opened without waiting for it.
    pub(super) fn open_soon(&self) {
        let served = self.served.clone().zip(Handle::try_current().ok());
        served.into_iter().for_each(|(served, runtime)| drop(runtime.spawn(async move { served.opened().await })));
    }
}

impl Stream for Listener {
    type Item = Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let mut waiting = lock(&self.feed.waiting);
        match waiting.pop() {
            Some((offset, text)) => Poll::Ready(Some(event(&text, NonZeroU64::new(offset)))),
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
        self.room.live.state().stop_listening(self.number);
    }
}

/// A text as an event, and where it is stored.
pub(super) fn event(text: &str, offset: Option<NonZeroU64>) -> Result<Event> {
    let event = Event::new(text);
    match offset {
        Some(offset) => event.id(offset),
        None => Ok(event),
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.room).finish()
    }
}
