//! What has come and was not taken yet: between the client's task and whoever calls `next`.

use std::{
    collections::VecDeque,
    pin::pin,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use tokio::sync::Notify;

use super::{place::Place, state::State};
use crate::{sync::lock, ws::Message};

#[derive(Debug)]
pub(super) enum Item {
    Message(Arrived),
    State(State),
    /// So many messages were dropped from the outbox.
    Dropped(usize),
}

/// A message that came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) message: Message,
    pub(super) place: Place,
    /// The id of the question that it is, as JSON.
    pub(super) question: Option<Box<str>>,
    /// The connection that it came on.
    pub(super) connection: u64,
}

impl Item {
    fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }
}

/// Locked for each item, never across a wait.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Mutex<Queue>,
    /// Somebody waits for room.
    room: Notify,
    /// Messages that may wait.
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    messages: usize,
    reader: Option<Waker>,
    /// Nobody takes anything any more.
    is_abandoned: bool,
    /// Nothing more will come.
    is_ended: bool,
}

impl Inbox {
    pub(super) fn new(limit: usize) -> Self {
        Self { queue: Mutex::default(), room: Notify::new(), limit: limit.max(1) }
    }

    /// Appends a message; waits while there is no room. Once nobody takes any, they are dropped.
    pub(super) async fn push(&self, arrived: Arrived) {
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            if self.has_room() {
                break;
            }
            room.await;
        }
        self.append(|items| items.push_back(Item::Message(arrived)));
    }

    fn has_room(&self) -> bool {
        let queue = lock(&self.queue);
        queue.messages < self.limit || queue.is_abandoned
    }

    /// Of states that nobody has taken only the last counts: so they are bounded without a wait.
    pub(super) fn tell(&self, state: State) {
        self.append(|items| {
            remove_last(items, |item| matches!(item, Item::State(_)));
            items.push_back(Item::State(state));
        });
    }

    pub(super) fn tell_dropped(&self, count: usize) {
        self.append(|items| {
            let before = match remove_last(items, |item| matches!(item, Item::Dropped(_))) {
                Some(Item::Dropped(before)) => before,
                _ => 0,
            };
            items.push_back(Item::Dropped(before.saturating_add(count)));
        });
    }

    fn append(&self, change: impl FnOnce(&mut VecDeque<Item>)) {
        let mut queue = lock(&self.queue);
        if queue.is_abandoned {
            return;
        }
        change(&mut queue.items);
        queue.messages += usize::from(queue.items.back().is_some_and(Item::is_message));
        let reader = queue.reader.take();
        drop(queue);
        wake(reader);
    }

    /// The oldest item; `None` once there is none and none will come.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Item>> {
        let mut queue = lock(&self.queue);
        let Some(item) = queue.items.pop_front() else {
            if queue.is_ended {
                return Poll::Ready(None);
            }
            queue.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if item.is_message() {
            queue.messages -= 1;
            self.room.notify_one();
        }
        Poll::Ready(Some(item))
    }

    pub(super) fn end(&self) {
        let mut queue = lock(&self.queue);
        queue.is_ended = true;
        let reader = queue.reader.take();
        drop(queue);
        wake(reader);
    }

    pub(super) fn abandon(&self) {
        let mut queue = lock(&self.queue);
        queue.is_abandoned = true;
        queue.items = VecDeque::new();
        queue.messages = 0;
        self.room.notify_one();
    }
}

fn wake(reader: Option<Waker>) {
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// Takes out the last such item, if no message came after it.
fn remove_last(items: &mut VecDeque<Item>, is_such: impl Fn(&Item) -> bool) -> Option<Item> {
    let behind = items.iter().rev().take_while(|item| !item.is_message()).position(is_such)?;
    items.remove(items.len() - 1 - behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(inbox: &Inbox) -> Vec<String> {
        let cx = Context::from_waker(Waker::noop());
        let next = || match inbox.poll_next(&cx) {
            Poll::Ready(Some(Item::Message(arrived))) => Some(arrived.message.as_text()?.to_string()),
            Poll::Ready(Some(Item::State(state))) => Some(state.to_string()),
            Poll::Ready(Some(Item::Dropped(count))) => Some(format!("{count} dropped")),
            _ => None,
        };
        std::iter::from_fn(next).collect()
    }

    fn text(text: &str) -> Arrived {
        Arrived { message: text.into(), place: Place::default(), question: None, connection: 1 }
    }

    #[sockeye_macros::test(crate = crate)]
    async fn states_in_a_row_count_once() {
        let inbox = Inbox::new(2);
        for attempt in 1..=1000 {
            inbox.tell(State::connecting(attempt));
            inbox.tell_dropped(2);
        }
        inbox.push(text("a")).await;
        inbox.tell(State::connecting(1));
        inbox.push(text("b")).await;
        let [first, again] = [1000, 1].map(|attempt| State::connecting(attempt).to_string());
        assert_eq!(take(&inbox), [&first, "2000 dropped", "a", &again, "b"]);
        inbox.tell_dropped(1);
        assert_eq!(take(&inbox), ["1 dropped"]);
    }

    #[sockeye_macros::test(crate = crate)]
    async fn a_full_inbox_makes_wait_until_somebody_takes_or_gives_up() {
        let inbox = Inbox::new(1);
        inbox.push(text("a")).await;
        let mut push = pin!(inbox.push(text("b")));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(push.as_mut().poll(&mut cx).is_pending());
        assert_eq!(take(&inbox), ["a"]);
        push.await;
        let mut push = pin!(inbox.push(text("c")));
        assert!(push.as_mut().poll(&mut cx).is_pending());
        inbox.abandon();
        push.await;
        inbox.end();
        assert!(matches!(inbox.poll_next(&cx), Poll::Ready(None)));
    }
}
