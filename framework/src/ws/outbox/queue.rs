//! Encoded frames that wait, and where each ends. Borrowed from the thread: an idle connection holds none.

use std::{cell::RefCell, collections::VecDeque, mem, sync::Arc};

use bytes::Bytes;

use crate::ws::{
    proto::{self, CloseFrame, Op, Payload},
    tally::Tally,
};

/// Queues that grew beyond this are not kept for others.
const KEEP_AT_MOST: usize = 128 * 1024;
/// Bytes that have left are cut off from there on.
const CUT_AT: usize = 64 * 1024;
/// Queues that a thread keeps.
const KEEP_QUEUES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// The rest of a large frame, which follows `bytes` and is not copied, unless something comes behind it.
    tail: Bytes,
    /// How many of both have left.
    sent: usize,
    /// A part of the first frame has left, but not all of it.
    in_frame: bool,
    ends: VecDeque<End>,
}

/// Where a frame ends, counted in `bytes` and the tail.
#[derive(Debug)]
struct End {
    at: usize,
    /// Who counts the loss of a frame that may be dropped.
    tally: Option<Arc<Tally>>,
}

thread_local! {
    /// Empty queues for the next connection of this thread that sends.
    #[expect(clippy::vec_box, reason = "a connection holds one word while it has no queue")]
    static SPARE: RefCell<Vec<Box<Queue>>> = const { RefCell::new(Vec::new()) };
}

impl Queue {
    pub(super) fn take() -> Box<Self> {
        SPARE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    pub(super) fn give_back(mut self: Box<Self>) {
        if self.bytes.capacity() > KEEP_AT_MOST || self.ends.capacity() > KEEP_AT_MOST / 32 {
            return;
        }
        self.bytes.clear();
        if !self.tail.is_empty() {
            self.tail = Bytes::new();
        }
        self.forget_ends();
        (self.sent, self.in_frame) = (0, false);
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < KEEP_QUEUES {
                spare.push(self);
            }
        });
    }

    /// Queues that this thread keeps.
    #[cfg(test)]
    pub(super) fn spare() -> usize {
        SPARE.with_borrow(Vec::len)
    }

    /// Bytes that it takes in memory.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.tail.len() - self.sent
    }

    /// The bytes that leave next: all, or those before the tail.
    pub(super) fn next(&self) -> &[u8] {
        match self.bytes.get(self.sent..) {
            Some(bytes) if !bytes.is_empty() || self.tail.is_empty() => bytes,
            _ => &self.tail[self.sent - self.bytes.len()..],
        }
    }

    /// Puts the tail where the other bytes are.
    pub(super) fn flatten(&mut self) {
        if !self.tail.is_empty() {
            self.bytes.extend_from_slice(&mem::take(&mut self.tail));
        }
    }

    /// Keeps what is left of a large frame of which so much has been written.
    pub(super) fn put_rest(&mut self, header: &[u8], payload: &Payload<'_>, written: usize) {
        self.flatten();
        self.bytes.extend_from_slice(&header[written.min(header.len())..]);
        self.tail = payload.from(written.saturating_sub(header.len()));
        self.end_frame(None);
        self.in_frame |= written > 0;
    }

    pub(super) fn put_close(&mut self, frame: Option<&CloseFrame>) {
        self.flatten();
        proto::encode_close(frame, &mut self.bytes);
        self.end_frame(None);
    }

    /// Frames that wait, the first one perhaps in part.
    pub(super) fn frames(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn put(&mut self, op: Op, rsv1: bool, payload: &[u8]) {
        self.flatten();
        proto::put_frame(&mut self.bytes, op, rsv1, payload);
        self.end_frame(None);
    }

    /// Appends a frame that was encoded before. With a tally it may be dropped later.
    pub(super) fn put_encoded(&mut self, frame: &[u8], tally: Option<Arc<Tally>>) {
        self.flatten();
        self.bytes.extend_from_slice(frame);
        self.end_frame(tally);
    }

    /// What was appended is a frame.
    fn end_frame(&mut self, tally: Option<Arc<Tally>>) {
        self.ends.push_back(End { at: self.bytes.len() + self.tail.len(), tally });
    }

    pub(super) fn advance(&mut self, count: usize) {
        let is_all = count == self.len();
        self.sent += count;
        if is_all {
            // Nearly always.
            self.forget_ends();
            self.in_frame = false;
            return;
        }
        let done = self.ends.partition_point(|end| end.at <= self.sent);
        let last_end = self.ends.drain(..done).next_back();
        self.in_frame = match last_end {
            Some(end) => end.at < self.sent,
            None => self.in_frame || count > 0,
        };
        self.cut();
    }

    /// Nothing waits. Nearly always there is one frame at most, which is cheaper to take out than to clear the list.
    fn forget_ends(&mut self) {
        self.ends.pop_front();
        if !self.ends.is_empty() {
            self.ends.clear();
        }
    }

    /// What has left is cut off once it is the larger part: each byte is moved at most once.
    fn cut(&mut self) {
        if self.tail.is_empty() && self.sent > CUT_AT && self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.ends.iter_mut().for_each(|end| end.at -= self.sent);
            self.sent = 0;
        }
    }

    /// Drops what waits, but for the frame that has left in part: the peer must still be able to read what follows.
    pub(super) fn drop_waiting(&mut self) {
        self.flatten();
        let keep = match self.ends.front() {
            Some(end) if self.in_frame => end.at,
            _ => self.sent,
        };
        self.bytes.truncate(keep);
        self.ends.retain(|end| end.at <= keep);
    }

    /// Drops the oldest frame that may be dropped and of which nothing has left. Whether there was one.
    ///
    /// What lies before it moves up into its place: little, unless a handler has sent much of its own.
    pub(super) fn drop_oldest(&mut self) -> bool {
        self.flatten();
        let first = usize::from(self.in_frame);
        let Some(index) = (first..self.ends.len()).find(|index| self.ends[*index].tally.is_some()) else {
            return false;
        };
        let start = if index == 0 { self.sent } else { self.ends[index - 1].at };
        let Some(End { at, tally }) = self.ends.remove(index) else { return false };
        self.bytes.copy_within(self.sent..start, self.sent + (at - start));
        self.ends.iter_mut().take(index).for_each(|end| end.at += at - start);
        self.sent += at - start;
        self.cut();
        if let Some(tally) = tally {
            tally.lose();
        }
        true
    }
}
