//! Encoded frames that wait, and where each ends. Borrowed from the thread: an idle connection holds none.

use std::{cell::RefCell, collections::VecDeque, sync::Arc};

use crate::ws::{
    proto::{self, Op},
    tally::Tally,
};

/// Queues that grew beyond this are not kept for others.
const KEEP_AT_MOST: usize = 64 * 1024;
/// Queues that a thread keeps.
const KEEP_QUEUES: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) bytes: Vec<u8>,
    /// How many of `bytes` have left.
    pub(super) sent: usize,
    /// A part of the first frame has left, but not all of it.
    pub(super) in_frame: bool,
    ends: VecDeque<End>,
}

/// Where a frame ends, counted in `bytes`.
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
        if self.bytes.capacity() > KEEP_AT_MOST || self.ends.capacity() > KEEP_AT_MOST / 16 {
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

    /// Queues that this thread keeps.
    #[cfg(test)]
    pub(super) fn spare() -> usize {
        SPARE.with_borrow(Vec::len)
    }

    pub(super) fn waiting(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Frames that wait, the first one perhaps in part.
    pub(super) fn frames(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn put(&mut self, op: Op, rsv1: bool, payload: &[u8]) {
        proto::put_frame(&mut self.bytes, op, rsv1, payload);
        self.end_frame(None);
    }

    /// Appends a frame that was encoded before. With a tally it may be dropped later.
    pub(super) fn put_encoded(&mut self, frame: &[u8], tally: Option<Arc<Tally>>) {
        self.bytes.extend_from_slice(frame);
        self.end_frame(tally);
    }

    /// What was appended to `bytes` is a frame.
    pub(super) fn end_frame(&mut self, tally: Option<Arc<Tally>>) {
        self.ends.push_back(End { at: self.bytes.len(), tally });
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.sent += count;
        let done = self.ends.partition_point(|end| end.at <= self.sent);
        let last_end = self.ends.drain(..done).next_back();
        self.in_frame = match last_end {
            Some(end) => end.at < self.sent,
            None => self.in_frame || count > 0,
        };
        self.cut();
    }

    /// What has left is cut off once it is the larger part: each byte is moved at most once.
    fn cut(&mut self) {
        if self.sent > KEEP_AT_MOST && self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.ends.iter_mut().for_each(|end| end.at -= self.sent);
            self.sent = 0;
        }
    }

    /// Drops what waits, but for the frame that has left in part: the peer must still be able to read what follows.
    pub(super) fn drop_waiting(&mut self) {
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
