//! What waits leaves: in one write, nearly always.

use std::{
    io::{self, IoSlice},
    task::Poll,
};

use super::{Outbox, Waiting};
use crate::ws::proto::{self, Op, Payload};

/// How much of a message of its own a connection gives to the socket at once. BBR learns no bandwidth while a sender has
/// nothing more to send. Given 1 MiB in one call it takes the pace at which the peer happens to wake up for the path's, and
/// keeps to it: over loop-back, with one connection, such a message cost 340 µs, and now mostly 200. Cubic and Reno do not
/// mind. What many get is not cut: the rest would have to be copied for each.
pub(super) const WRITE_AT_ONCE: usize = 768 * 1024;

fn at_once(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(WRITE_AT_ONCE)]
}

/// How many bytes a socket took.
fn taken(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

impl Outbox {
    /// Writes a frame from where its payload is, behind what waits. What the socket does not take is kept.
    #[inline(never)]
    pub(super) fn push_in_place(&mut self, op: Op, rsv1: bool, payload: &Payload<'_>) {
        let writer = self.writer.take();
        let takes = writer.as_ref().filter(|_| !self.blocked);
        self.write_in_place(op, rsv1, payload, |slices| match takes {
            Some(writer) => writer.try_write_vectored(slices),
            None => Err(io::ErrorKind::WouldBlock.into()),
        });
        if !self.broken {
            self.writer = writer;
        }
        self.flush_socket();
    }

    pub(super) fn write_in_place(
        &mut self,
        op: Op,
        rsv1: bool,
        payload: &Payload<'_>,
        write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) {
        let (header, size) = proto::header(op, rsv1, payload.len());
        let header = &header[..size];
        let Ok(written) = self.write_behind(header, payload, write) else { return self.fail() };
        let waiting = self.len();
        if waiting > 0 {
            self.queue().advance(written.min(waiting));
        }
        let of_frame = written.saturating_sub(waiting);
        if of_frame < size + payload.len() {
            self.queue().put_rest(header, payload, of_frame);
        }
        self.after_flush(written > 0);
    }

    /// Writes what waits and a frame, in one call unless it is very large. How many bytes have left.
    fn write_behind(
        &mut self,
        header: &[u8],
        payload: &[u8],
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if !self.is_empty() {
            self.queue().flatten();
        }
        let waiting = self.waiting.queue().map_or(&[][..], |queue| queue.next());
        let (first, rest) = payload.split_at(at_once(payload).len());
        let slices = [waiting, header, first].map(IoSlice::new);
        // The system looks at empty slices too.
        let slices = if waiting.is_empty() { &slices[1..] } else { &slices[..] };
        let mut written = taken(write(slices))?;
        if written < waiting.len() + header.len() + first.len() {
            return Ok(written);
        }
        for part in rest.chunks(WRITE_AT_ONCE) {
            let count = taken(write(&[IoSlice::new(part)]))?;
            written += count;
            if count < part.len() {
                break;
            }
        }
        Ok(written)
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
            match write(at_once(queue.next())) {
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
    #[inline(never)]
    pub(crate) fn flush_socket(&mut self) {
        if self.blocked || self.broken || self.is_empty() || self.flush_whole() {
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

    /// Writes a queue that leaves in one go, as nearly all do. Whether it was one: what is left is for the long way.
    fn flush_whole(&mut self) -> bool {
        let (Waiting::Queue(waiting), Some(writer)) = (&mut self.waiting, &self.writer) else { return false };
        let Some(queue) = waiting else { return false };
        // What was wrong the long way finds too.
        let Ok(count @ 1..) = writer.try_write(at_once(queue.next())) else { return false };
        if count < queue.len() {
            queue.advance(count);
            self.after_flush(true);
            return false;
        }
        if let Some(queue) = waiting.take() {
            queue.give_back();
        }
        self.wake_waiters();
        true
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

    pub(super) fn after_flush(&mut self, moved: bool) {
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
}
