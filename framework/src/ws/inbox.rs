//! Messages on their way to the handler: a small bounded queue between the driver and whoever receives.

mod questions;

use std::{collections::VecDeque, mem, task::Waker};

use super::proto::{CloseFrame, Message};
use questions::{Answered, Questions};

/// What a burst is made room for at once: the default limit, but for the slot in front.
const BURST: usize = 15;

/// While somebody waits for the end, that many messages may wait to be received if they are small in all.
const WATCHED_MESSAGES: usize = 256;
const WATCHED_BYTES: usize = 16 * 1024;

/// Small messages are handed over all at once, up to that many bytes: locking costs more than all else of a receive.
const HAND_OVER: usize = 16 * 1024;

/// Messages that wait, the oldest in front.
pub(crate) type Messages = VecDeque<Message>;

/// Locked by the driver for what it reads at once, and by the receiver for what it is handed at once; never across a wait.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// The oldest message, unless it has been received. A slot of its own, so that a connection with one message in flight holds no queue.
    first: Option<Message>,
    /// One word while there is none, which is nearly always.
    more: Option<Box<Messages>>,
    /// Who received last. It is kept: nearly always the next one is the same.
    receiver: Option<Waker>,
    /// The receiver waits.
    waiting: bool,
    /// One word while there is none of it, which is nearly always.
    seldom: Option<Box<Seldom>>,
    /// Payload bytes that wait.
    bytes: usize,
    gone: Option<Box<Gone>>,
    /// The driver stopped reading because the inbox was full.
    paused: bool,
    abandoned: bool,
}

/// Who waits for anything but the next message.
#[derive(Debug, Default)]
struct Seldom {
    /// For the end, each under a key of its own.
    watchers: Vec<(u32, Waker)>,
    next_key: u32,
    /// For answers.
    questions: Questions,
}

/// The peer is gone: with a close frame, or without.
#[derive(Clone, Debug)]
pub(crate) struct Gone(pub(crate) Option<CloseFrame>);

/// What becomes of a message, and whom to wake.
pub(crate) enum Put {
    /// It waits to be received.
    Waits(Option<Waker>),
    /// It answers who has asked.
    Answers(Option<Waker>),
    /// It answers nobody, and nobody gets it.
    Stray,
    /// There was no room.
    Dropped,
}

/// What receiving finds.
pub(crate) enum Received {
    /// A message, and those behind it.
    Message(Message, Option<Box<Messages>>),
    Gone(Gone),
    Nothing,
}

impl Inbox {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.as_ref().map_or(0, |more| more.len())
    }

    /// How many more messages fit. Without end, once nobody receives.
    pub(crate) fn room(&self, limit: usize) -> usize {
        if self.abandoned {
            return usize::MAX;
        }
        // Small messages may pile up further, so that the close frame behind them is found, or the answer.
        let more = self.seldom.as_ref().and_then(|seldom| seldom.limit(self.bytes));
        limit.max(more.unwrap_or(1)).saturating_sub(self.len())
    }

    /// Takes a message: an answer for who has asked, any other to wait if there is `room` for it. Gives the waker of who
    /// waits for it, unless `own` wakes it too.
    ///
    /// The message is made where it is to stay: moving it costs as much as making it.
    #[inline(always)]
    pub(crate) fn put(&mut self, message: impl FnOnce() -> Message, room: usize, own: &Waker) -> Put {
        // Nearly always nobody has asked.
        if self.seldom.is_some() {
            return self.put_or_answer(message(), room, own);
        }
        if room == 0 { Put::Dropped } else { Put::Waits(self.push(message(), own)) }
    }

    /// The same, should somebody have asked.
    fn put_or_answer(&mut self, message: Message, room: usize, own: &Waker) -> Put {
        match self.take_answer(&message, own) {
            Answered::No if room == 0 => Put::Dropped,
            Answered::No => Put::Waits(self.push(message, own)),
            Answered::Yes(asker) => Put::Answers(asker),
            Answered::Stray => Put::Stray,
        }
    }

    /// Appends a message. Gives the receiver's waker, if one waits and `own` does not wake it too.
    #[inline(always)]
    fn push(&mut self, message: Message, own: &Waker) -> Option<Waker> {
        if self.abandoned {
            return None;
        }
        self.bytes += message.len();
        match &mut self.more {
            None if self.first.is_none() => self.first = Some(message),
            more => more.get_or_insert_with(|| Box::new(Messages::with_capacity(BURST))).push_back(message),
        }
        if !mem::take(&mut self.waiting) {
            return None;
        }
        self.receiver.as_ref().filter(|receiver| !receiver.will_wake(own)).cloned()
    }

    /// Takes the oldest message, and those behind it if they are small, or leaves the waker. Whether the driver waits for the
    /// room that this has left: what the receiver holds does not count.
    pub(crate) fn receive(&mut self, waker: &Waker) -> (Received, bool) {
        let Some(message) = self.first.take().or_else(|| self.pop_more()) else { return (self.wait(waker), false) };
        self.bytes -= message.len();
        let more = if self.bytes <= HAND_OVER { self.more.take() } else { None };
        if more.is_some() {
            self.bytes = 0;
        }
        (Received::Message(message, more), mem::take(&mut self.paused))
    }

    fn wait(&mut self, waker: &Waker) -> Received {
        if let Some(gone) = &self.gone {
            return Received::Gone(Gone::clone(gone));
        }
        match &mut self.receiver {
            // It does not clone one that wakes the same.
            Some(known) => known.clone_from(waker),
            None => self.receiver = Some(waker.clone()),
        }
        self.waiting = true;
        Received::Nothing
    }

    fn pop_more(&mut self) -> Option<Message> {
        let more = self.more.as_mut()?;
        let message = more.pop_front();
        if more.is_empty() {
            self.more = None;
        }
        message
    }

    /// Notes that nothing more will come. Gives the wakers of all who wait to know.
    pub(crate) fn set_gone(&mut self, frame: Option<CloseFrame>) -> Vec<Waker> {
        if self.gone.is_some() {
            return Vec::new();
        }
        self.gone = Some(Box::new(Gone(frame)));
        let seldom = self.seldom.iter_mut().flat_map(|seldom| seldom.wakers());
        seldom.chain(self.receiver.take()).collect()
    }

    pub(crate) fn gone(&self) -> Option<&Gone> {
        self.gone.as_deref()
    }

    /// Wakes when the peer is gone. Whether the driver waits for room, of which there may be some now.
    pub(crate) fn watch(&mut self, key: &mut Option<u32>, waker: &Waker) -> bool {
        let seldom = self.seldom.get_or_insert_default();
        let known = seldom.watchers.iter_mut().find(|(known, _)| Some(*known) == *key);
        if let Some((_, known)) = known {
            known.clone_from(waker);
            return false;
        }
        *key = Some(seldom.next_key);
        seldom.watchers.push((seldom.next_key, waker.clone()));
        seldom.next_key = seldom.next_key.wrapping_add(1);
        mem::take(&mut self.paused)
    }

    pub(crate) fn unwatch(&mut self, key: u32) {
        let Some(seldom) = &mut self.seldom else { return };
        seldom.watchers.retain(|(known, _)| *known != key);
        if seldom.watchers.is_empty() && !seldom.questions.were_asked() {
            self.seldom = None;
        }
    }

    /// Asks to be woken once there is room, if there is none.
    pub(crate) fn pause(&mut self, limit: usize) -> bool {
        self.paused = self.room(limit) == 0;
        self.paused
    }

    /// The driver ends: it must not be kept by its own wakers.
    pub(crate) fn forget_receiver(&mut self) {
        self.receiver = None;
    }

    /// Nobody will receive any more: what is here and what comes is dropped. Whether the driver waits for room.
    pub(crate) fn abandon(&mut self) -> bool {
        self.abandoned = true;
        self.first = None;
        self.more = None;
        mem::take(&mut self.paused)
    }
}

impl Seldom {
    /// How many messages may wait while somebody waits for what may stand behind them.
    fn limit(&self, bytes: usize) -> Option<usize> {
        let watched = !self.watchers.is_empty() && bytes <= WATCHED_BYTES;
        self.questions.limit(bytes).or(watched.then_some(WATCHED_MESSAGES))
    }

    fn wakers(&mut self) -> impl Iterator<Item = Waker> + '_ {
        let watchers = mem::take(&mut self.watchers).into_iter().map(|(_, waker)| waker);
        watchers.chain(self.questions.wakers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(inbox: &mut Inbox) -> Vec<String> {
        let mut texts = Vec::new();
        while let (Received::Message(message, more), _) = inbox.receive(Waker::noop()) {
            let messages = [message].into_iter().chain(more.into_iter().flat_map(|more| *more));
            texts.extend(messages.filter_map(|message| message.as_text().map(ToString::to_string)));
        }
        texts
    }

    #[test]
    fn keeps_the_order_and_gives_all_before_the_end() {
        let mut inbox = Inbox::default();
        for number in 0..5 {
            inbox.push(Message::from(number.to_string()), Waker::noop());
        }
        assert_eq!(inbox.len(), 5);
        inbox.set_gone(None);
        assert_eq!(texts(&mut inbox), ["0", "1", "2", "3", "4"]);
        assert!(matches!(inbox.receive(Waker::noop()), (Received::Gone(Gone(None)), _)));
    }

    #[test]
    fn tells_once_that_the_driver_waits() {
        let mut inbox = Inbox::default();
        inbox.push(Message::from("a"), Waker::noop());
        inbox.push(Message::from("b"), Waker::noop());
        assert!(inbox.pause(2));
        // Both are handed over.
        assert!(matches!(inbox.receive(Waker::noop()), (Received::Message(_, Some(_)), true)));
        assert_eq!(inbox.room(2), 2);
        inbox.push(Message::from("c"), Waker::noop());
        assert!(matches!(inbox.receive(Waker::noop()), (Received::Message(_, None), false)));
        assert!(matches!(inbox.receive(Waker::noop()), (Received::Nothing, false)));
    }

    #[test]
    fn hands_over_what_is_small() {
        let mut inbox = Inbox::default();
        for _ in 0..4 {
            inbox.push(Message::binary(vec![0; HAND_OVER / 2]), Waker::noop());
        }
        assert!(matches!(inbox.receive(Waker::noop()), (Received::Message(_, None), _)));
        let (Received::Message(_, Some(more)), _) = inbox.receive(Waker::noop()) else { panic!("they are small") };
        assert_eq!((more.len(), inbox.len(), inbox.bytes), (2, 0, 0));
    }
}
