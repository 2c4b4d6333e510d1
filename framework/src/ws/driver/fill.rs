//! Bytes to decode: those that an earlier poll has left, or the next of the stream.

use std::task::{Context, Poll};

use super::{Driver, input::Input};
use crate::ws::io::{Borrowed, READ_BUFFER};

impl Driver {
    /// Gets bytes to decode. `false`: there are none for now, or none any more.
    pub(super) fn fill(&mut self, cx: &mut Context<'_>, input: &mut Input) -> bool {
        if self.carry.is_some() {
            return self.fill_from_carry(input);
        }
        if self.decoder.message_started() {
            if let Some(filled) = self.fill_message(cx, input) {
                return filled;
            }
        } else if self.expects_large(input) {
            return self.fill_expected(cx, input);
        }
        let buffer = input.buffer.get_or_insert_with(Borrowed::take);
        match self.io.poll_read(cx, buffer.bytes()) {
            Poll::Pending => {
                input.dry = true;
                false
            }
            Poll::Ready(Ok(count)) if count > 0 => {
                (input.start, input.stop) = (0, count);
                self.heard(count, input);
                true
            }
            Poll::Ready(end) => {
                input.end = self.ended(&end);
                false
            }
        }
    }

    /// What an earlier poll has left, or came with the handshake.
    #[inline(never)]
    fn fill_from_carry(&mut self, input: &mut Input) -> bool {
        let Some(carry) = &mut self.carry else { return false };
        let buffer = input.buffer.get_or_insert_with(Borrowed::take);
        let count = carry.len().min(READ_BUFFER);
        buffer.bytes()[..count].copy_from_slice(&carry[..count]);
        carry.drain(..count);
        if carry.is_empty() {
            self.carry = None;
        }
        (input.start, input.stop) = (0, count);
        true
    }

    pub(super) fn heard(&mut self, count: usize, input: &mut Input) {
        input.bytes = input.bytes.saturating_sub(count);
        self.clock.heard_now();
    }
}
