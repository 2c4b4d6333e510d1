//! Large messages: read straight into their own buffers.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::BufMut;

use super::{Driver, Stage, ending::Ending, input::Input};
use crate::ws::proto::{Event, MAX_HEADER, WORTH_A_BUFFER, give_back_buffer, is_longest_header, spare_buffer};

/// Bytes that are read into a message's own buffer at once: what was read is looked at while the processor still has it at
/// hand.
const READ_DIRECT: usize = 256 * 1024 + MAX_HEADER;

/// What such a byte counts of a poll's share: small messages cost far more for theirs. A message that is read in one turn is
/// still at hand when it is looked at, and when it is sent.
const SHARE: usize = 16;

impl Driver {
    /// Reads into a message's own buffer, if much of a message is there.
    #[inline(never)]
    pub(super) fn fill_message(&mut self, cx: &mut Context<'_>, input: &mut Input) -> Option<bool> {
        let mut target = self.decoder.direct()?;
        let room = target.remaining_mut();
        // Not a large part first and a small one in a read of its own.
        target.set_limit(if room <= READ_DIRECT + READ_DIRECT / 2 { room } else { READ_DIRECT });
        let read = self.io.poll_read_direct(cx, target);
        let Some(count) = self.came(read, input) else { return Some(false) };
        match self.decoder.filled(&input.rules, count) {
            Ok(event) => input.direct = event,
            Err(error) => input.ends(Ending::of(error)),
        }
        Some(true)
    }

    /// Whether a large message is likely to come next. What comes behind what was read in this poll is likely to be a part
    /// of something.
    pub(super) fn expects_large(&self, input: &Input) -> bool {
        self.expects > 0 && input.is_fresh()
    }

    /// Reads into a buffer for a message like the last one.
    #[inline(never)]
    pub(super) fn fill_expected(&mut self, cx: &mut Context<'_>, input: &mut Input) -> bool {
        let size = usize::from(self.expects) * 1024 + MAX_HEADER;
        let mut buffer = spare_buffer(size);
        self.read_expected(cx, input, &mut buffer, size);
        if buffer.is_empty() || self.stage == Stage::Over {
            give_back_buffer(buffer);
            return false;
        }
        self.expects = 0;
        match self.decoder.adopt(&input.rules, buffer) {
            Ok((event, rest)) => {
                input.direct = event;
                self.carry = Some(rest).filter(|rest| !rest.is_empty()).map(Box::new);
            }
            Err(error) => input.ends(Ending::of(error)),
        }
        true
    }

    /// Reads what has come of a message of `size` bytes with its header.
    ///
    /// If it is to come in several reads, the first takes the header alone. With a read TCP tells the peer how much room
    /// there is. If that is told while the rest waits to be read, the system itself acknowledges what comes next: it takes
    /// no more room than that. Told after a read that has taken all, it would leave each acknowledgement to the next read,
    /// which then costs a third more (Linux, `__tcp_ack_snd_check`).
    fn read_expected(&mut self, cx: &mut Context<'_>, input: &mut Input, buffer: &mut Vec<u8>, size: usize) {
        if size > READ_DIRECT {
            let read = self.io.poll_read_direct(cx, (&mut *buffer).limit(MAX_HEADER));
            // Anything shorter may be all there: it must not wait for what another read finds.
            if self.came(read, input).is_none() || !is_longest_header(buffer) {
                return;
            }
        }
        let room = size.min(READ_DIRECT) - buffer.len();
        let read = self.io.poll_read_direct(cx, buffer.limit(room));
        self.came(read, input);
    }

    /// How much was read; `None` if it is nothing.
    fn came(&mut self, read: Poll<io::Result<usize>>, input: &mut Input) -> Option<usize> {
        match read {
            Poll::Pending => input.dry = true,
            Poll::Ready(Ok(count)) if count > 0 => {
                self.heard(count / SHARE, input);
                return Some(count);
            }
            Poll::Ready(end) => input.end = self.ended(&end),
        }
        None
    }

    /// A large message behind which nothing has come is likely to be followed by one like it.
    pub(super) fn expect_like(&mut self, event: &Event, input: &Input) {
        let len = match event {
            Event::Message(message) => message.len(),
            Event::Compressed { payload, .. } => payload.len(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => return,
        };
        let is_alone = len >= WORTH_A_BUFFER && input.start == input.stop && self.carry.is_none();
        self.expects = if is_alone { u16::try_from(len.div_ceil(1024)).unwrap_or(0) } else { 0 };
    }
}
