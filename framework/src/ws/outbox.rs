//! Frames on their way to the peer.
//!
//! Everything is encoded when it is sent and appended here; what accumulates until the driver flushes leaves in one
//! system call. The queue itself is borrowed from its thread and goes back as soon as it is empty, so that an idle
//! connection holds none.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    task::{Poll, Waker},
};

use tokio::net::tcp::OwnedWriteHalf;

use super::proto::{self, CloseFrame, Closing, Deflater, Op};
use crate::{config::Limits, rt::Moment};

/// From here on the queue is flushed without waiting for the end of the handler's poll.
const FLUSH_AT: usize = 16 * 1024;
/// Queues that grew beyond this are not kept for others.
const KEEP_AT_MOST: usize = 64 * 1024;
/// Queues that a thread keeps.
const KEEP_QUEUES: usize = 16;

/// Locked for each send and each flush; never across a wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Option<Box<Queue>>,
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
}

/// The queue is full.
#[derive(Debug)]
struct Slow {
    /// Since when, or since when it has made no progress.
    since: Moment,
    /// Who waits for room.
    waiters: Vec<Waker>,
}

/// Encoded frames, and where each ends.
#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// How many of `bytes` have left.
    sent: usize,
    /// A part of the first frame has left, but not all of it.
    in_frame: bool,
    /// Where each frame ends, counted in `bytes`.
    ends: VecDeque<usize>,
}

thread_local! {
    /// Empty queues for the next connection of this thread that sends.
    #[expect(clippy::vec_box, reason = "a connection holds one word while it has no queue")]
    static SPARE: RefCell<Vec<Box<Queue>>> = const { RefCell::new(Vec::new()) };
}

impl Queue {
    fn take() -> Box<Self> {
        SPARE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    fn give_back(mut self: Box<Self>) {
        if self.bytes.capacity() > KEEP_AT_MOST || self.ends.capacity() > KEEP_AT_MOST / 8 {
            return;
        }
        self.bytes.clear();
        self.ends.clear();
        (self.sent, self.in_frame) = (0, false);
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < KEEP_QUEUES {
                spare.push(self);
            }
        });
    }

    fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    fn advance(&mut self, count: usize) {
        self.sent += count;
        let done = self.ends.partition_point(|end| *end <= self.sent);
        let last_end = self.ends.drain(..done).next_back();
        self.in_frame = match last_end {
            Some(end) => end < self.sent,
            None => self.in_frame || count > 0,
        };
        // What has left is cut off once it is the larger part: each byte is moved at most once.
        if self.sent > KEEP_AT_MOST && self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.ends.iter_mut().for_each(|end| *end -= self.sent);
            self.sent = 0;
        }
    }
}

impl Outbox {
    /// Whether data may still be sent.
    pub(crate) fn is_open(&self) -> bool {
        !self.broken && self.closing.may_send_data()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.waiting().len())
    }

    /// Whether a further message has to wait. A message larger than the limit fits into an empty outbox.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        self.queue.as_ref().is_some_and(|queue| {
            queue.waiting().len() >= limits.outbox_bytes || queue.ends.len() >= limits.outbox_messages
        })
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

    /// Appends a message, compressed where that was agreed on and is worth it.
    pub(crate) fn push_message(&mut self, op: Op, payload: &[u8]) {
        let compressed = match &mut self.deflater {
            Some(deflater) if deflater.takes(payload.len()) => deflater.deflate(payload),
            _ => None,
        };
        match compressed {
            // RFC 7692 section 6: RSV1 says so.
            Some(compressed) => self.push_frame(op, true, &compressed),
            None => self.push_frame(op, false, payload),
        }
    }

    /// Appends one unfragmented frame as it is.
    pub(crate) fn push(&mut self, op: Op, payload: &[u8]) {
        self.push_frame(op, false, payload);
    }

    fn push_frame(&mut self, op: Op, rsv1: bool, payload: &[u8]) {
        if payload.len() >= FLUSH_AT && !self.blocked && self.writer.is_some() {
            return self.push_large(op, rsv1, payload);
        }
        let queue = self.queue.get_or_insert_with(Queue::take);
        proto::put_frame(&mut queue.bytes, op, rsv1, payload);
        queue.ends.push_back(queue.bytes.len());
        if queue.waiting().len() >= FLUSH_AT {
            self.flush_socket();
        }
    }

    /// Writes a large frame from where it is, behind what waits: only what the socket does not take is copied.
    fn push_large(&mut self, op: Op, rsv1: bool, payload: &[u8]) {
        let Some(writer) = &self.writer else { return };
        let (header, size) = proto::header(op, rsv1, payload.len());
        let queue = self.queue.get_or_insert_with(Queue::take);
        let waiting = queue.waiting().len();
        let slices = [queue.waiting(), &header[..size], payload].map(io::IoSlice::new);
        let written = match writer.try_write_vectored(&slices) {
            Ok(0) => return self.fail(),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(_) => return self.fail(),
        };
        queue.advance(written.min(waiting));
        let taken = written.saturating_sub(waiting);
        if taken < size + payload.len() {
            queue.bytes.extend_from_slice(&header[taken.min(size)..size]);
            queue.bytes.extend_from_slice(&payload[taken.saturating_sub(size)..]);
            queue.ends.push_back(queue.bytes.len());
            queue.in_frame |= taken > 0;
        }
        self.after_flush(written > 0);
        self.flush_socket();
    }

    /// Appends the close frame; nothing can be appended after it.
    pub(crate) fn push_close(&mut self, frame: Option<&CloseFrame>) {
        if !self.is_open() {
            return;
        }
        self.closing.sent();
        self.closed_at = Some(Moment::now());
        let queue = self.queue.get_or_insert_with(Queue::take);
        proto::encode_close(frame, &mut queue.bytes);
        queue.ends.push_back(queue.bytes.len());
        self.wake_waiters();
    }

    /// Drops what waits, but for the frame that has left in part: the peer must still be able to read what follows.
    pub(crate) fn drop_waiting(&mut self) {
        let Some(queue) = &mut self.queue else { return };
        let keep = match queue.ends.front() {
            Some(end) if queue.in_frame => *end,
            _ => queue.sent,
        };
        queue.bytes.truncate(keep);
        queue.ends.retain(|end| *end <= keep);
    }

    /// Writes what waits with `write` until it is done or would block. Whether all has left.
    pub(crate) fn flush_with(&mut self, mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>) -> bool {
        let Some(queue) = &mut self.queue else { return true };
        let mut moved = false;
        self.blocked = false;
        while !queue.waiting().is_empty() {
            match write(queue.waiting()) {
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
        self.queue.is_none()
    }

    /// Writes straight to the socket, where there is one and it takes bytes.
    pub(crate) fn flush_socket(&mut self) {
        if self.blocked || self.broken {
            return;
        }
        let Some(writer) = self.writer.take() else { return };
        self.flush_with(|bytes| match writer.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        });
        if !self.broken {
            self.writer = Some(writer);
        }
    }

    fn after_flush(&mut self, moved: bool) {
        if let Some(queue) = self.queue.take_if(|queue| queue.waiting().is_empty()) {
            queue.give_back();
        }
        if moved {
            // Who still finds it full says so again.
            self.wake_waiters();
        }
    }

    /// The stream can't be written to any more.
    pub(crate) fn fail(&mut self) {
        self.broken = true;
        self.queue = None;
        self.blocked = false;
        self.wake_waiters();
        self.wake_driver();
    }

    /// They look for themselves whether there is room now.
    fn wake_waiters(&mut self) {
        let waiters = self.slow.take().map(|slow| slow.waiters).unwrap_or_default();
        waiters.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
