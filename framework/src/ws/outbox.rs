//! Frames on their way to the peer.
//!
//! Everything is encoded when it is sent and appended here; what accumulates until the driver flushes leaves in one
//! system call. The queue itself is borrowed from its thread and goes back as soon as it is empty, so that an idle
//! connection holds none.

mod flush;
mod queue;
mod waiting;

use std::{sync::Arc, task::Waker};

use tokio::net::tcp::OwnedWriteHalf;

use self::{
    queue::Queue,
    waiting::{Shared, Waiting},
};
use super::{
    proto::{CloseCode, CloseFrame, Closing, Deflater, Op, Payload, Prepared},
    tally::Tally,
};
use crate::{
    config::{Limits, Overflow},
    rt::Moment,
};

/// From here on the queue is flushed without waiting for the end of the handler's poll. A poll reads as much at once, so
/// that an echo of it leaves at once.
const FLUSH_AT: usize = 64 * 1024;
/// From here on a message is written from where it is. To copy a smaller one costs less than a vectored write does more
/// than a plain one.
const IN_PLACE: usize = 32 * 1024;

/// Locked for each send and each flush; never across a wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Waiting,
    /// The socket's write half, for everybody who sends. `None` for streams that only the driver can write to.
    pub(crate) writer: Option<OwnedWriteHalf>,
    /// The driver, to be woken when a write would block or when only it can write.
    pub(crate) driver: Option<Waker>,
    /// The socket took less than it was given: only the driver writes until it takes more.
    pub(crate) blocked: bool,
    /// Already on the list of the thread's publishing scope.
    pub(crate) touched: bool,
    /// Compresses messages, where that was agreed on: under the lock, so that it sees them in the order of the queue.
    pub(crate) deflater: Option<Box<Deflater>>,
    pub(crate) closing: Closing,
    pub(crate) closed_at: Option<Moment>,
    /// No byte will leave any more.
    pub(crate) broken: bool,
    slow: Option<Box<Slow>>,
    /// Messages that were appended, and not counted yet.
    pub(crate) uncounted: u32,
}

/// The queue is full.
#[derive(Debug)]
struct Slow {
    /// Since when, or since when it has made no progress.
    since: Moment,
    /// Who waits for room.
    waiters: Vec<Waker>,
}

/// What becomes of a broadcast at one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Sent,
    /// Its outbox is full. It is counted.
    Lost,
    /// The connection is closing, or is no more.
    Gone,
}

impl Outbox {
    /// Whether data may still be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.broken && self.closing.may_send_data()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a further message has to wait. A message larger than the limit fits into an empty outbox.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        !self.is_empty() && (self.len() >= limits.outbox_bytes || self.waiting.messages() >= limits.outbox_messages)
    }

    /// How many messages and bytes it takes before it is full.
    pub(crate) fn spare(&self, limits: &Limits) -> (usize, usize) {
        let messages = limits.outbox_messages.saturating_sub(self.waiting.messages());
        (messages, limits.outbox_bytes.saturating_sub(self.len()))
    }

    /// The queue, with all that waits in it.
    fn queue(&mut self) -> &mut Queue {
        self.waiting.make_queue()
    }

    /// Remembers a sender that waits for room. The first one starts the time that the peer has: the driver must know.
    pub(crate) fn wait(&mut self, waker: &Waker) {
        if self.slow.is_none() {
            self.wake_driver();
        }
        let slow = self.slow.get_or_insert_with(|| Box::new(Slow { since: Moment::now(), waiters: Vec::new() }));
        if !slow.waiters.iter().any(|known| known.will_wake(waker)) {
            slow.waiters.push(waker.clone());
        }
    }

    /// Since when the queue has been full without progress.
    pub(crate) fn full_since(&self) -> Option<Moment> {
        self.slow.as_ref().map(|slow| slow.since)
    }

    /// The queue counts as full since now, if it is.
    pub(crate) fn restart_stall(&mut self, now: Moment) {
        if let Some(slow) = &mut self.slow {
            slow.since = now;
        }
    }

    /// Appends a message, compressed where that was agreed on and is worth it.
    pub(crate) fn push_message(&mut self, op: Op, payload: &Payload<'_>) {
        self.uncounted += 1;
        let compressed = match &mut self.deflater {
            Some(deflater) if deflater.takes(payload.len()) => deflater.deflate(payload),
            _ => None,
        };
        match compressed {
            // RFC 7692 section 6: RSV1 says so.
            Some(compressed) => self.push_frame(op, true, &Payload::Slice(&compressed)),
            None => self.push_frame(op, false, payload),
        }
    }

    /// Appends one unfragmented frame as it is.
    pub(crate) fn push(&mut self, op: Op, payload: &[u8]) {
        self.push_frame(op, false, &Payload::Slice(payload));
    }

    fn push_frame(&mut self, op: Op, rsv1: bool, payload: &Payload<'_>) {
        if payload.len() >= IN_PLACE {
            return self.push_in_place(op, rsv1, payload);
        }
        let queue = self.queue();
        queue.put(op, rsv1, payload);
        if queue.len() >= FLUSH_AT {
            self.flush_socket();
        }
    }

    /// Appends the close frame; nothing can be appended after it.
    pub(crate) fn push_close(&mut self, frame: Option<&CloseFrame>) {
        if !self.is_open() {
            return;
        }
        self.closing.sent();
        self.closed_at = Some(Moment::now());
        self.queue().put_close(frame);
        self.wake_waiters();
    }

    /// Drops what waits, but for the frame that has left in part: the peer must still be able to read what follows.
    pub(crate) fn drop_waiting(&mut self) {
        match &mut self.waiting {
            Waiting::Queue(queue) => queue.iter_mut().for_each(|queue| queue.drop_waiting()),
            Waiting::Shared(_) | Waiting::Several(_) => self.waiting = Waiting::default(),
        }
    }

    /// Takes a message that many get, without waiting: a full outbox is dealt with as `overflow` says. What is dropped is
    /// counted by its tally. Nothing leaves here, unless to make room.
    pub(crate) fn deliver(
        &mut self,
        message: &Prepared,
        overflow: Overflow,
        limits: &Limits,
        tally: &Arc<Tally>,
    ) -> Delivery {
        if !self.is_open() {
            return Delivery::Gone;
        }
        if self.is_full(limits) {
            self.flush_socket();
        }
        if !self.is_open() {
            return Delivery::Gone;
        }
        if self.is_full(limits) && !self.make_room(overflow, limits) {
            tally.lose();
            return Delivery::Lost;
        }
        let (frame, compressed) = message.form(self.deflater.as_deref());
        if let (Some(deflater), true) = (&mut self.deflater, compressed) {
            deflater.forget();
        }
        let tally = (overflow == Overflow::DropOldest).then(|| tally.clone());
        self.waiting.share(Shared { frame: frame.clone(), tally });
        Delivery::Sent
    }

    /// Whether the full outbox takes one more message after all.
    fn make_room(&mut self, overflow: Overflow, limits: &Limits) -> bool {
        match overflow {
            Overflow::DropNewest => false,
            Overflow::DropOldest => {
                let mut dropped = true;
                while dropped && self.is_full(limits) {
                    dropped = self.queue().drop_oldest();
                }
                self.after_flush(false);
                dropped
            }
            Overflow::Disconnect => {
                tracing::debug!("the outbox of a member is full");
                self.drop_waiting();
                self.push_close(Some(&CloseFrame {
                    code: CloseCode::TRY_AGAIN,
                    reason: "the peer is too slow".into(),
                }));
                self.wake_driver();
                false
            }
        }
    }

    /// The stream can't be written to any more.
    pub(crate) fn fail(&mut self) {
        self.broken = true;
        self.waiting = Waiting::default();
        self.blocked = false;
        self.wake_waiters();
        self.wake_driver();
    }

    /// They look for themselves whether there is room now.
    #[inline]
    fn wake_waiters(&mut self) {
        if let Some(slow) = self.slow.take() {
            slow.waiters.into_iter().for_each(Waker::wake);
        }
    }

    pub(crate) fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
