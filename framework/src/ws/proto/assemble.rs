//! Frames become messages (RFC 6455 §5.4).

use std::mem;

use bytes::{BufMut, Bytes, buf::Limit};

use super::{
    Event, Message, Rules, Text,
    error::{ProtocolError, Violation},
    frame::{Header, Opcode, Start},
    mask, spare,
    text::Inline,
    utf8,
};

/// From here on a message is large: it is read straight into its own buffer.
pub(super) const LARGE: usize = 16 * 1024;

/// Who has sent as much of a message is sending it.
pub(super) const COMMITTED: usize = 32 * 1024;

/// A message of which some frames are there.
#[derive(Default)]
pub(super) struct Assembly {
    payload: Vec<u8>,
    /// Bytes in front of the message: the header, where the buffer was read into before anyone knew what comes.
    head: u8,
    /// How far a text is known to be UTF-8.
    checked: usize,
    frames: u32,
    /// `None` between messages.
    kind: Option<Kind>,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Binary,
    CompressedText,
    CompressedBinary,
}

impl Kind {
    /// The kind of message whose first frame starts so; `None` for a continuation.
    fn of(start: Start) -> Option<Self> {
        Some(match (start.opcode, start.rsv1) {
            (Opcode::Text, false) => Self::Text,
            (Opcode::Text, true) => Self::CompressedText,
            (Opcode::Binary, false) => Self::Binary,
            (Opcode::Binary, true) => Self::CompressedBinary,
            _ => return None,
        })
    }

    /// The event of a message; text is checked by the caller.
    fn event(self, payload: Bytes) -> Event {
        match self {
            Self::Text => Event::Message(Message::Text(Text::from_checked(payload))),
            Self::Binary => Event::Message(Message::Binary(payload)),
            Self::CompressedText => Event::Compressed { text: true, payload },
            Self::CompressedBinary => Event::Compressed { text: false, payload },
        }
    }
}

/// The event of a data frame that is a message of its own.
pub(super) fn whole(start: Start, payload: &[u8]) -> Result<Event, ProtocolError> {
    let kind = Kind::of(start).unwrap_or(Kind::Binary);
    if let Kind::Text = kind {
        utf8::check(payload).map_err(invalid)?;
    }
    // Its only copy.
    Ok(kind.event(spare::copy(payload)))
}

/// The same for one that was read into a buffer of its own, in which it begins at `head`.
pub(super) fn whole_in(start: Start, buffer: Vec<u8>, head: usize) -> Result<Event, ProtocolError> {
    let kind = Kind::of(start).unwrap_or(Kind::Binary);
    if let Kind::Text = kind {
        utf8::check(&buffer[head..]).map_err(invalid)?;
    }
    Ok(kind.event(spare::share(buffer, head)))
}

/// A message of one short frame that is not compressed. It is made where it is to stay: to move one costs as much.
pub(crate) enum Short<'a> {
    Inline(Inline),
    Text(&'a [u8]),
    Binary(&'a [u8]),
}

impl<'a> Short<'a> {
    /// The frame's payload, masked, are the first `len` bytes of `input`.
    #[inline(always)]
    pub(super) fn of(header: &Header, input: &'a mut [u8]) -> Result<Self, ProtocolError> {
        let len = header.len;
        let is_text = header.start.opcode == Opcode::Text;
        if is_text && len <= Inline::MOST {
            if let Some(masked) = input.first_chunk() {
                return Inline::unmask(header.key, masked, len).map(Self::Inline).map_err(invalid);
            }
        }
        let payload = &mut input[..len];
        mask::unmask(header.key, payload);
        if !is_text {
            return Ok(Self::Binary(payload));
        }
        utf8::check(payload).map_err(invalid)?;
        Ok(Self::Text(payload))
    }

    #[inline(always)]
    pub(crate) fn message(self) -> Message {
        match self {
            Self::Inline(text) => Message::Text(Text::inline(text)),
            Self::Text(text) => Message::Text(Text::copy_checked(text)),
            Self::Binary(bytes) => Message::Binary(Bytes::copy_from_slice(bytes)),
        }
    }
}

/// §8.1: text that is not UTF-8 fails the connection.
fn invalid(at: usize) -> ProtocolError {
    Violation::InvalidText { at }.into()
}

impl Assembly {
    /// Whether the frames so far end inside a message.
    pub(super) fn started(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether a data frame that starts so may come now.
    pub(super) fn admit(&self, start: Start, rules: &Rules) -> Result<(), ProtocolError> {
        // §5.4: the frames of one message follow each other, and a message ends before the next begins.
        match (self.started(), start.opcode) {
            (false, Opcode::Continuation) => Err(Violation::StrayContinuation.into()),
            (true, Opcode::Text | Opcode::Binary) => Err(Violation::UnfinishedMessage.into()),
            // Frames cost work even where they are empty, so their number has a limit (§10.4).
            _ if self.frames >= rules.max_fragments => {
                Err(Violation::TooManyFragments { limit: rules.max_fragments }.into())
            }
            _ => Ok(()),
        }
    }

    /// The length of a data frame, if it is within the limits (§10.4, §7.4.1: 1009). What can't be compressed gets a little
    /// longer by it: the limit proper is for the message that comes out.
    pub(super) fn fit(&self, len: u64, start: Start, rules: &Rules) -> Result<usize, ProtocolError> {
        let compressed = matches!(self.kind.or(Kind::of(start)), Some(Kind::CompressedText | Kind::CompressedBinary));
        let with_slack = |limit: usize| if compressed { limit.saturating_add(limit / 64 + 64) } else { limit };
        if len > with_slack(rules.max_frame) as u64 {
            return Err(Violation::FrameTooLarge { limit: rules.max_frame }.into());
        }
        if len > with_slack(rules.max_message).saturating_sub(self.len()) as u64 {
            return Err(Violation::MessageTooLarge { limit: rules.max_message }.into());
        }
        Ok(len as usize)
    }

    /// Begins the message, or goes on with it, by an admitted frame.
    pub(super) fn begin(&mut self, start: Start) {
        self.frames += 1;
        self.kind = self.kind.or(Kind::of(start));
    }

    /// Adds unmasked payload; the same frame still lacks `missing` bytes.
    pub(super) fn append(&mut self, part: &[u8], missing: usize) -> Result<(), ProtocolError> {
        if part.is_empty() {
            return Ok(());
        }
        if self.payload.capacity() - self.payload.len() < part.len() {
            self.grow(part.len(), missing);
        }
        self.payload.extend_from_slice(part);
        self.check()
    }

    /// Whether so much has arrived that it is worth it to read into [`room`](Self::room).
    pub(super) fn is_large(&self) -> bool {
        self.len() >= LARGE
    }

    fn len(&self) -> usize {
        self.payload.len() - usize::from(self.head)
    }

    /// Begins the message with a buffer that its first frame was read into, and in which it begins at `head`.
    pub(super) fn adopt(&mut self, start: Start, buffer: Vec<u8>, head: usize) -> Result<(), ProtocolError> {
        self.begin(start);
        (self.payload, self.head, self.checked) = (buffer, head as u8, head);
        self.check()
    }

    /// Room to read the next of the `missing` bytes of a frame into.
    pub(super) fn room(&mut self, missing: usize) -> Limit<&mut Vec<u8>> {
        if self.payload.capacity() == self.payload.len() {
            self.grow(0, missing);
        }
        let room = self.payload.capacity() - self.payload.len();
        (&mut self.payload).limit(room.min(missing))
    }

    /// Makes room for `part` bytes that have arrived, and for some of the `missing` behind them: for all as soon as a third
    /// of the message is there, else for as many as have arrived, since a claim costs the peer nothing. Once much has come
    /// there may be more: to move it into a larger buffer again and again would cost more than memory that nobody
    /// touches.
    fn grow(&mut self, part: usize, missing: usize) {
        let arrived = self.payload.len() + part;
        let ahead = match arrived {
            COMMITTED.. if missing / 4 <= arrived => missing,
            COMMITTED.. => 3 * arrived,
            _ if missing / 2 <= arrived => missing,
            _ => arrived,
        };
        let wanted = part + ahead;
        let capacity = self.payload.len() + wanted;
        if let Some(mut larger) = spare::take(capacity) {
            larger.extend_from_slice(&self.payload);
            spare::give_back(mem::replace(&mut self.payload, larger));
            return;
        }
        // To the byte where the frame is large. Many small ones would move the whole again and again: there it doubles.
        if wanted >= self.payload.len() / 4 {
            self.payload.reserve_exact(wanted);
        } else {
            self.payload.reserve(wanted);
        }
    }

    /// The last `n` bytes that were read through [`room`](Self::room), to be unmasked.
    pub(super) fn last(&mut self, n: usize) -> &mut [u8] {
        let start = self.payload.len() - n;
        &mut self.payload[start..]
    }

    /// Checks what has arrived of a text, so that it fails at its first bad byte, wherever frames and reads end.
    pub(super) fn check(&mut self) -> Result<(), ProtocolError> {
        if let Some(Kind::Text) = self.kind {
            let valid =
                utf8::check_prefix(&self.payload[self.checked..]).map_err(|at| self.invalid(self.checked + at))?;
            self.checked += valid;
        }
        Ok(())
    }

    /// The place is that in the message, wherever this begins.
    fn invalid(&self, at: usize) -> ProtocolError {
        invalid(at - usize::from(self.head))
    }

    /// Ends the message with the frame that has just become complete.
    pub(super) fn finish(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(kind) = self.kind else { return Ok(None) };
        // §8.1, §5.6: the message as a whole is UTF-8, so it does not end inside a character.
        if matches!(kind, Kind::Text) && self.checked < self.payload.len() {
            return Err(self.invalid(self.checked));
        }
        let Self { payload, head, .. } = mem::take(self);
        Ok(Some(kind.event(spare::share(payload, head.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Start = Start { opcode: Opcode::Binary, fin: true, rsv1: false };

    #[test]
    fn the_buffer_never_runs_further_ahead_than_what_arrived() {
        const LEN: usize = 300_000;
        for part in [1, 7, 100, 5_000, LARGE, 70_000] {
            let mut assembly = Assembly::default();
            assembly.begin(START);
            let mut arrived = 0;
            while arrived < LEN {
                let size = part.min(LEN - arrived);
                arrived += size;
                assembly.append(&vec![0; size], LEN - arrived).unwrap();
                let capacity = assembly.payload.capacity();
                let factor = if arrived < COMMITTED { 3 } else { 5 };
                assert!(capacity <= (arrived * factor).clamp(8, LEN), "{capacity} for {arrived}");
            }
            assert_eq!(assembly.payload.capacity(), LEN, "in parts of {part}");
        }
    }

    #[test]
    fn small_frames_do_not_move_the_whole_again_and_again() {
        let mut assembly = Assembly::default();
        assembly.begin(START);
        let (mut moves, mut capacity) = (0, 0);
        for _ in 0..10_000 {
            // Cut inside, too.
            assembly.append(&[0; 40], 24).unwrap();
            assembly.append(&[0; 24], 0).unwrap();
            moves += usize::from(assembly.payload.capacity() != capacity);
            capacity = assembly.payload.capacity();
        }
        assert!(moves < 25, "{moves}");
    }

    #[test]
    fn nothing_is_reserved_for_a_claim_alone() {
        let mut assembly = Assembly::default();
        assembly.begin(Start { opcode: Opcode::Binary, fin: true, rsv1: false });
        assembly.append(&[], 1 << 20).unwrap();
        assert_eq!(assembly.payload.capacity(), 0);
    }
}
