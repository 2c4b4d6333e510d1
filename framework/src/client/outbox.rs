//! What is to be sent, and the questions that wait for an answer.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::Mutex,
};

use tokio::sync::{Notify, oneshot};

use super::cause::Cause;
use crate::{
    error::{Error, Result},
    sync::lock,
    ws::{CloseCode, CloseFrame, Message, Text},
};

/// Questions that may wait for an answer at the same time.
const MOST_QUESTIONS: usize = 1024;

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) message: Message,
    /// It asks, under this id.
    pub(super) question: Option<u64>,
    /// It makes sense on this connection only.
    pub(super) connection: Option<u64>,
}

/// What the connection does next.
#[derive(Debug)]
pub(super) enum Outgoing<'o> {
    Entry(Held<'o>),
    Close(CloseFrame),
}

/// A message on its way into a socket. Dropped before the socket has taken it, it is the first in the outbox again.
#[derive(Debug)]
pub(super) struct Held<'o> {
    outbox: &'o Outbox,
    entry: Entry,
    is_taken: bool,
}

/// What becomes of a question: the message that answers it.
pub(super) type Answer = Result<Text, Cause>;

#[derive(Debug)]
struct Asked {
    answer: oneshot::Sender<Answer>,
    /// The connection has taken it.
    is_sent: bool,
}

/// Locked for each message, never across a wait.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    /// There is something to send.
    work: Notify,
    /// There may be room, or there is no connection any more.
    room: Notify,
    /// The client is to end.
    stop: Notify,
    most_messages: usize,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// How many connections there have been.
    connections: u64,
    is_open: bool,
    closing: Option<CloseFrame>,
    ended: Option<Cause>,
    questions: HashMap<u64, Asked>,
    last_question: u64,
}

impl Outbox {
    pub(super) fn new(most_messages: usize, most_bytes: usize) -> Self {
        let (work, room, stop) = (Notify::new(), Notify::new(), Notify::new());
        Self { queue: Mutex::default(), work, room, stop, most_messages: most_messages.max(1), most_bytes }
    }

    /// Appends a message. While there is a connection it waits for room; while there is none, the oldest make room: gives
    /// how many were dropped.
    ///
    /// Cancel safety: dropped before it is done, it has appended nothing.
    pub(super) async fn push(&self, entry: Entry) -> Result<usize> {
        let size = entry.message.len();
        if size > self.most_bytes {
            let most = self.most_bytes;
            let text = format!("expected a message of at most {most} bytes, got one of {size}: `queue` sets the limit");
            return Err(Error::limit(text, CloseCode::INTERNAL));
        }
        loop {
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            {
                let mut queue = lock(&self.queue);
                queue.check()?;
                if entry.connection.is_some_and(|connection| !queue.is_open || connection != queue.connections) {
                    return Err(Cause::lost("the connection on which the server asked is gone").into_error());
                }
                let fits = queue.entries.len() < self.most_messages && queue.bytes + size <= self.most_bytes;
                if fits || !queue.is_open {
                    let dropped = if fits { 0 } else { queue.make_room(self.most_messages, self.most_bytes - size) };
                    queue.append(entry);
                    self.work.notify_one();
                    return Ok(dropped);
                }
            }
            room.await;
        }
    }

    /// Waits for what comes next.
    ///
    /// Cancel safety: dropped before it is done, it has taken nothing.
    pub(super) async fn next(&self) -> Outgoing<'_> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.work.notified().await;
        }
    }

    /// The oldest message that somebody still wants to be sent; the close frame behind the last.
    pub(super) fn try_next(&self) -> Option<Outgoing<'_>> {
        let mut queue = lock(&self.queue);
        while let Some(entry) = queue.pop() {
            self.room.notify_waiters();
            if queue.wants(&entry) {
                return Some(Outgoing::Entry(Held { outbox: self, entry, is_taken: false }));
            }
        }
        queue.closing.clone().map(Outgoing::Close)
    }

    /// What `try_next` gave was not sent after all. Its connection may be gone, or whoever has asked.
    fn put_back(&self, entry: Entry) {
        let mut queue = lock(&self.queue);
        if queue.wants(&entry) {
            queue.bytes += entry.message.len();
            queue.entries.push_front(entry);
            self.work.notify_one();
        }
    }

    /// The connection has taken a question.
    fn sent(&self, question: u64) {
        if let Some(asked) = lock(&self.queue).questions.get_mut(&question) {
            asked.is_sent = true;
        }
    }

    /// There is a connection: gives its number.
    pub(super) fn opened(&self) -> u64 {
        let mut queue = lock(&self.queue);
        queue.is_open = true;
        queue.connections += 1;
        queue.connections
    }

    /// There is none any more. What was asked on it will not be answered, and what it asked can't be.
    pub(super) fn lost(&self, cause: &Cause) {
        let mut queue = lock(&self.queue);
        queue.is_open = false;
        queue.entries.retain(|entry| entry.connection.is_none());
        queue.bytes = queue.entries.iter().map(|entry| entry.message.len()).sum();
        let sent: Vec<u64> = queue.questions.iter().filter(|(_, asked)| asked.is_sent).map(|(id, _)| *id).collect();
        sent.into_iter().for_each(|id| queue.tell(id, Err(cause.clone())));
        self.room.notify_waiters();
    }

    /// A new question: its id, and where its answer will come.
    pub(super) fn ask(&self) -> Result<(u64, oneshot::Receiver<Answer>)> {
        let mut queue = lock(&self.queue);
        queue.check()?;
        if queue.questions.len() >= MOST_QUESTIONS {
            let text = format!("expected at most {MOST_QUESTIONS} questions without an answer, got one more");
            return Err(Error::limit(text, CloseCode::INTERNAL));
        }
        queue.last_question += 1;
        let (answer, answered) = oneshot::channel();
        let id = queue.last_question;
        queue.questions.insert(id, Asked { answer, is_sent: false });
        Ok((id, answered))
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&self, question: u64) {
        lock(&self.queue).questions.remove(&question);
    }

    /// Whether any question was ever asked.
    pub(super) fn has_asked(&self) -> bool {
        lock(&self.queue).last_question > 0
    }

    /// An answer came. One to a question that nobody waits for any more goes nowhere. Whether the question was ours.
    pub(super) fn answer(&self, question: u64, answer: &Text) -> bool {
        let mut queue = lock(&self.queue);
        queue.tell(question, Ok(answer.clone()));
        (1..=queue.last_question).contains(&question)
    }

    /// Ends the client behind what is to be sent. The first frame counts.
    pub(super) fn close(&self, frame: CloseFrame) {
        lock(&self.queue).closing.get_or_insert(frame);
        self.stop.notify_waiters();
        self.work.notify_one();
        self.room.notify_waiters();
    }

    /// Waits until the client is to end.
    pub(super) async fn closing(&self) {
        loop {
            let mut stop = pin!(self.stop.notified());
            stop.as_mut().enable();
            if self.is_closing() {
                return;
            }
            stop.await;
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        lock(&self.queue).closing.is_some()
    }

    /// Nothing will be sent any more, and nothing answered.
    pub(super) fn end(&self, cause: &Cause) {
        let mut queue = lock(&self.queue);
        queue.is_open = false;
        queue.ended.get_or_insert_with(|| cause.clone());
        let asked: Vec<u64> = queue.questions.keys().copied().collect();
        asked.into_iter().for_each(|id| queue.tell(id, Err(cause.clone())));
        // Who has asked knows.
        queue.entries.retain(|entry| entry.question.is_none());
        self.room.notify_waiters();
    }

    /// Messages that wait, or were never sent.
    pub(super) fn len(&self) -> usize {
        lock(&self.queue).entries.len()
    }
}

impl Held<'_> {
    pub(super) fn message(&self) -> &Message {
        &self.entry.message
    }

    /// The socket has it: it is not sent again.
    pub(super) fn taken(mut self) {
        self.is_taken = true;
        if let Some(question) = self.entry.question {
            self.outbox.sent(question);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.outbox.put_back(self.entry.clone());
        }
    }
}

impl Queue {
    fn check(&self) -> Result<()> {
        match (&self.ended, &self.closing) {
            (Some(cause), _) => Err(cause.clone().into_error()),
            (None, Some(_)) => Err(Cause::Asked.into_error()),
            (None, None) => Ok(()),
        }
    }

    /// Whether it still makes sense to send it.
    fn wants(&self, entry: &Entry) -> bool {
        let is_asked = entry.question.is_none_or(|id| self.questions.contains_key(&id));
        is_asked && entry.connection.is_none_or(|connection| self.is_open && connection == self.connections)
    }

    fn append(&mut self, entry: Entry) {
        self.bytes += entry.message.len();
        self.entries.push_back(entry);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.message.len();
        Some(entry)
    }

    /// Drops the oldest until one more fits.
    fn make_room(&mut self, most_messages: usize, most_bytes: usize) -> usize {
        let mut dropped = 0;
        while self.entries.len() >= most_messages || self.bytes > most_bytes {
            let Some(entry) = self.pop() else { break };
            dropped += 1;
            if let Some(id) = entry.question {
                self.tell(id, Err(Cause::lost("dropped from the queue, which was full while there was no connection")));
            }
        }
        dropped
    }

    fn tell(&mut self, question: u64, answer: Answer) {
        if let Some(asked) = self.questions.remove(&question) {
            // Who asked may have gone: then nobody is to be told.
            let _told_or_gone = asked.answer.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str, connection: Option<u64>) -> Entry {
        Entry { message: text.into(), question: None, connection }
    }

    fn texts(outbox: &Outbox) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(Outgoing::Entry(held)) = outbox.try_next() {
            texts.extend(held.message().as_text().map(ToString::to_string));
            held.taken();
        }
        texts
    }

    /// Whether the socket goes before the connection counts as lost or after it.
    #[sockeye_macros::test(crate = crate)]
    async fn what_was_not_taken_is_the_first_again_unless_it_was_for_its_connection_only() {
        for is_lost_first in [false, true] {
            let outbox = Outbox::new(10, 3);
            for own in [false, true] {
                let connection = outbox.opened();
                outbox.push(entry("a", own.then_some(connection))).await.unwrap();
                outbox.push(entry("bc", None)).await.unwrap();
                let held = outbox.try_next();
                if is_lost_first {
                    outbox.lost(&Cause::Silent);
                    // Another connection is no better.
                    outbox.opened();
                    drop(held);
                } else {
                    drop(held);
                    outbox.lost(&Cause::Silent);
                }
                let expected: &[&str] = if own { &["bc"] } else { &["a", "bc"] };
                assert_eq!(outbox.len(), expected.len());
                assert_eq!(texts(&outbox), expected);
                assert_eq!(lock(&outbox.queue).bytes, 0);
            }
        }
    }

    #[sockeye_macros::test(crate = crate)]
    async fn a_question_that_was_not_taken_is_asked_again_while_somebody_waits_for_it() {
        let outbox = Outbox::new(10, 100);
        outbox.opened();
        let (question, mut answer) = outbox.ask().unwrap();
        outbox.push(Entry { question: Some(question), ..entry("a", None) }).await.unwrap();
        drop(outbox.try_next());
        outbox.lost(&Cause::Silent);
        assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        let held = outbox.try_next();
        assert!(matches!(&held, Some(Outgoing::Entry(held)) if held.entry.question == Some(question)));
        outbox.forget(question);
        drop(held);
        assert_eq!(outbox.len(), 0);
    }
}
