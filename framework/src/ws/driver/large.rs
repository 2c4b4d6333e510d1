//! Large messages: read straight into their own buffers.

use std::{
    io,
    task::{Context, Poll},
};

use bytes::BufMut;

use super::{Driver, Stage, ending::Ending, input::Input};
use crate::ws::proto::{ARRIVED, Event, MAX_HEADER, WORTH_A_BUFFER, give_back_buffer, is_longest_header, spare_buffer};

/// Bytes that are read into a message's own buffer at once, or half as many more: what was read is looked at while the
/// processor still has it at hand.
const READ_DIRECT: usize = 256 * 1024 + MAX_HEADER;

/// What such a byte counts of a poll's share: small messages cost far more for theirs. A message that is read in one turn is
/// still at hand when it is looked at, and when it is sent.
const SHARE: usize = 16;

/// Messages of this length on are not expected: of the next one a read finds too little to keep a buffer for it.
const TOO_LARGE: usize = READ_DIRECT * ARRIVED / 2;

/// How much of `room` to read at once: not a large part first and then a small one.
fn portion(room: usize) -> usize {
    if room <= READ_DIRECT + READ_DIRECT / 2 { room } else { READ_DIRECT }
}

impl Driver {
    /// Reads into a message's own buffer, if much of a message is there.
    #[inline(never)]
    pub(super) fn fill_message(&mut self, cx: &mut Context<'_>, input: &mut Input) -> Option<bool> {
        let mut target = self.decoder.direct()?;
        target.set_limit(portion(target.remaining_mut()));
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
    /// If it takes several reads, the first is of the header alone. With a read TCP offers the peer a window, and Linux
    /// acknowledges what comes then by itself only if it can still offer as large a one. Offered after a read that has taken
    /// all, the window is the largest, so that each further read has to send an acknowledgement, and costs a third more;
    /// offered while the rest waits to be read, it is smaller.
    fn read_expected(&mut self, cx: &mut Context<'_>, input: &mut Input, buffer: &mut Vec<u8>, size: usize) {
        if portion(size) < size {
            let read = self.io.poll_read_direct(cx, (&mut *buffer).limit(MAX_HEADER));
            // Behind any other header a whole frame may be there: it would be lost if the next read found the end.
            if self.came(read, input).is_none() || !is_longest_header(buffer) {
                return;
            }
        }
        let room = portion(size) - buffer.len();
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
        let is_alone = (WORTH_A_BUFFER..TOO_LARGE).contains(&len) && input.start == input.stop && self.carry.is_none();
        self.expects = if is_alone { len.div_ceil(1024) as u16 } else { 0 };
    }
}
