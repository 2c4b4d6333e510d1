//! Frames on their way to the peer.
//!
//! Everything is encoded when it is sent and appended here; what accumulates until the driver flushes leaves in one
//! system call. The queue itself is borrowed from its thread and goes back as soon as it is empty, so that an idle
//! connection holds none.

mod queue;
mod waiting;

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::{Poll, Waker},
};

use tokio::net::tcp::OwnedWriteHalf;

use self::{
    queue::Queue,
    waiting::{Shared, Waiting},
};
use super::{
    proto::{self, CloseCode, CloseFrame, Closing, Deflater, Op, Payload, Prepared},
    tally::Tally,
};
use crate::{
    config::{Limits, Overflow},
    rt::Moment,
};

/// From here on the queue is flushed without waiting for the end of the handler's poll. A poll reads as much at once, so
/// that an echo of it leaves at once.
const FLUSH_AT: usize = 64 * 1024;
/// From here on a message is written from where it is. A vectored write costs what it costs to copy about as much.
const LARGE: usize = 32 * 1024;

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
        if payload.len() >= LARGE {
            return self.push_large(op, rsv1, payload);
        }
        let queue = self.queue();
        queue.put(op, rsv1, payload);
        if queue.len() >= FLUSH_AT {
            self.flush_socket();
        }
    }

    /// Writes a large frame from where it is, behind what waits. What the socket does not take is kept.
    fn push_large(&mut self, op: Op, rsv1: bool, payload: &Payload<'_>) {
        let (header, size) = proto::header(op, rsv1, payload.len());
        let header = &header[..size];
        let Ok(written) = self.write_behind(header, payload) else { return self.fail() };
        let waiting = self.len();
        if waiting > 0 {
            self.queue().advance(written.min(waiting));
        }
        let of_frame = written.saturating_sub(waiting);
        if of_frame < size + payload.len() {
            self.queue().put_rest(header, payload, of_frame);
        }
        self.after_flush(written > 0);
        if !self.is_empty() {
            self.flush_socket();
        }
    }

    /// Writes what waits and a frame in one call, as far as the socket takes them: how many bytes.
    fn write_behind(&mut self, header: &[u8], payload: &Payload<'_>) -> io::Result<usize> {
        if !self.is_empty() {
            self.queue().flatten();
        }
        let waiting = self.waiting.queue().map_or(&[][..], |queue| queue.next());
        let slices = [waiting, header, payload].map(IoSlice::new);
        // The system looks at empty slices too.
        let slices = if waiting.is_empty() { &slices[1..] } else { &slices[..] };
        let Some(writer) = self.writer.as_ref().filter(|_| !self.blocked) else { return Ok(0) };
        match writer.try_write_vectored(slices) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            written => written,
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

    /// Writes what waits with `write` until it is done or would block. Whether all has left.
    pub(crate) fn flush_with(&mut self, mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut moved = false;
        self.blocked = false;
        if let Waiting::Several(_) = &self.waiting {
            self.queue();
        }
        if let Waiting::Shared(frame) = &self.waiting {
            let count = match write(frame.bytes()) {
                Poll::Ready(Ok(count)) if count > 0 => count,
                Poll::Pending => 0,
                Poll::Ready(_) => {
                    self.fail();
                    return true;
                }
            };
            moved = count > 0;
            if count == frame.bytes().len() {
                self.waiting = Waiting::default();
            } else {
                self.queue().advance(count);
            }
        }
        while let Some(queue) = self.waiting.queue().filter(|queue| queue.len() > 0) {
            match write(queue.next()) {
                Poll::Ready(Ok(count)) if count > 0 => queue.advance(count),
                Poll::Pending => {
                    self.blocked = true;
                    break;
                }
                Poll::Ready(_) => {
                    self.fail();
                    return true;
                }
            }
            moved = true;
        }
        self.after_flush(moved);
        self.is_empty()
    }

    /// Writes straight to the socket, where there is one and it takes bytes.
    pub(crate) fn flush_socket(&mut self) {
        if self.blocked || self.broken {
            return;
        }
        let Some(writer) = self.writer.take() else { return };
        self.flush_several(|slices| writer.try_write_vectored(slices));
        self.flush_with(|bytes| match writer.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        });
        if !self.broken {
            self.writer = Some(writer);
        }
    }

    /// Writes several shared frames without a copy. What the socket does not take is put into a queue.
    fn flush_several(&mut self, write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>) {
        let Waiting::Several(several) = &self.waiting else { return };
        match several.write(write) {
            Ok(count) if count == several.bytes => self.waiting = Waiting::default(),
            Ok(count) => self.queue().advance(count),
            // The next call will say so too.
            Err(_) => return,
        }
        self.after_flush(true);
    }

    fn after_flush(&mut self, moved: bool) {
        if let Waiting::Queue(queue) = &mut self.waiting {
            if let Some(queue) = queue.take_if(|queue| queue.len() == 0) {
                queue.give_back();
            }
        }
        if moved {
            // Who still finds it full says so again.
            self.wake_waiters();
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
