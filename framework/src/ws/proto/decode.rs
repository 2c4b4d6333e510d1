//! Bytes become events, frame by frame.

use std::mem;

use bytes::{Bytes, BytesMut, buf::Limit};

use super::{
    Event, ProtocolError, Rules,
    assemble::{self, AHEAD, Assembly},
    carry::Carry,
    close,
    frame::{self, Header, Opcode, SHORT_HEADER, Start},
    mask::{self, Mask},
};

/// The reading half of the protocol for one connection. After an error it is of no more use.
///
/// It holds a buffer only while a message is partly there.
#[derive(Default)]
pub(crate) struct Decoder {
    message: Assembly,
    /// The frame whose payload is not complete.
    frame: Option<Frame>,
    /// The payload of that frame, if it is a control frame: these come in the middle of messages (RFC 6455 §5.4).
    control: Box<[u8]>,
    carry: Carry,
}

/// A frame whose header is there.
struct Frame {
    missing: usize,
    mask: Mask,
    opcode: Opcode,
    fin: bool,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Consumes a prefix of `input`, unmasking it in place, and gives its length with at most one event. `None` means
    /// that all of the input was taken.
    ///
    /// What a frame does wrong is told at the first byte that shows it.
    pub(crate) fn decode(&mut self, rules: &Rules, input: &mut [u8]) -> Result<(usize, Option<Event>), ProtocolError> {
        if let Some(header) = self.short_message(rules, input) {
            let end = SHORT_HEADER + header.len;
            let payload = &mut input[SHORT_HEADER..end];
            mask::unmask(header.key, payload);
            return Ok((end, Some(assemble::whole(header.start, payload)?)));
        }
        let mut taken = 0;
        while taken < input.len() {
            let mut rest = &mut input[taken..];
            if self.frame.is_none() {
                let Some((header, size)) = self.header(rules, rest)? else { return Ok((input.len(), None)) };
                taken += size;
                rest = &mut rest[size..];
                if header.len <= rest.len() && self.is_whole(header.start) {
                    let event = whole(header, &mut rest[..header.len])?;
                    return Ok((taken + header.len, Some(event)));
                }
                self.open(header);
            }
            let (size, event) = self.payload(rest)?;
            taken += size;
            if event.is_some() {
                return Ok((taken, event));
            }
        }
        Ok((taken, None))
    }

    /// Where to read into while at least 16 KiB of a data frame are missing: the message's own buffer.
    ///
    /// The room never goes past the frame, and grows with what has arrived, not with what was claimed.
    pub(crate) fn direct(&mut self) -> Option<Limit<&mut BytesMut>> {
        let frame = self.frame.as_ref().filter(|frame| frame.missing >= AHEAD && !frame.opcode.is_control())?;
        Some(self.message.room(frame.missing))
    }

    /// Takes in the `n` bytes that were read through [`direct`](Self::direct).
    ///
    /// The rules were applied at the header; they are here so that both ways to feed a decoder look alike.
    pub(crate) fn filled(&mut self, _rules: &Rules, n: usize) -> Result<Option<Event>, ProtocolError> {
        let Some(frame) = &mut self.frame else { return Ok(None) };
        frame.mask.apply(self.message.last(n));
        frame.missing -= n;
        self.message.check()?;
        self.end_of_data()
    }

    /// Whether the peer is in the middle of a message or a frame.
    pub(crate) fn message_started(&self) -> bool {
        self.message.started() || self.frame.is_some() || !self.carry.is_empty()
    }

    /// The header of what nearly every frame is: a message of its own, at most 125 bytes, all there. It breaks no rule;
    /// any other frame takes the long way. This one costs a third less.
    #[inline(always)]
    fn short_message(&self, rules: &Rules, input: &[u8]) -> Option<Header> {
        let (header, available) = Header::short(input)?;
        let fits = header.len <= available && header.len <= rules.max_frame.min(rules.max_message);
        (fits && rules.max_fragments > 0 && !self.message_started()).then_some(header)
    }

    /// Whether a frame gives an event by itself.
    fn is_whole(&self, start: Start) -> bool {
        start.opcode.is_control() || start.fin && !self.message.started()
    }

    /// The next header and how much of `input` it took; `None` once it took all and is still not complete.
    fn header(&mut self, rules: &Rules, input: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
        if !self.carry.is_empty() {
            return self.carried_header(rules, input);
        }
        let header = self.check_header(rules, input)?;
        if header.is_none() {
            self.carry.fill(input);
        }
        Ok(header)
    }

    /// The same for a header whose first bytes came with an earlier input. They are checked again, which at most 13
    /// times is cheaper than to keep a state.
    fn carried_header(&mut self, rules: &Rules, input: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
        let carried = self.carry.len();
        self.carry.fill(input);
        let header = self.check_header(rules, self.carry.bytes())?;
        if header.is_some() {
            self.carry.clear();
        }
        Ok(header.map(|(header, size)| (header, size - carried)))
    }

    /// The header that `bytes` start with, and its size. Each check comes as soon as the bytes for it are there, in an
    /// order that does not depend on how they were cut.
    fn check_header(&self, rules: &Rules, bytes: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        let start = Start::parse(first, rules.allow_rsv1)?;
        let control = start.opcode.is_control();
        if !control {
            self.message.admit(start, rules)?;
        }
        let Some((len, at)) = frame::length(start.opcode, bytes)? else { return Ok(None) };
        let len = if control { len as usize } else { self.message.fit(len, start, rules)? };
        let Some(&key) = bytes[at..].first_chunk() else { return Ok(None) };
        Ok(Some((Header { start, len, key }, at + key.len())))
    }

    fn open(&mut self, header: Header) {
        let Header { start: Start { opcode, fin, .. }, len, key } = header;
        if opcode.is_control() {
            self.control = vec![0; len].into();
        } else {
            self.message.begin(header.start);
        }
        self.frame = Some(Frame { missing: len, mask: Mask::new(key), opcode, fin });
    }

    /// Takes what `input` has of the open frame's payload.
    fn payload(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), ProtocolError> {
        let Some(frame) = &mut self.frame else { return Ok((0, None)) };
        let size = frame.missing.min(input.len());
        let part = &mut input[..size];
        frame.mask.apply(part);
        if frame.opcode.is_control() {
            let at = self.control.len() - frame.missing;
            self.control[at..][..size].copy_from_slice(part);
            frame.missing -= size;
            return Ok((size, self.end_of_control()?));
        }
        frame.missing -= size;
        self.message.append(part, frame.missing)?;
        Ok((size, self.end_of_data()?))
    }

    fn end_of_control(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(Frame { missing: 0, opcode, .. }) = self.frame else { return Ok(None) };
        self.frame = None;
        control(opcode, mem::take(&mut self.control).into()).map(Some)
    }

    fn end_of_data(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(Frame { missing: 0, fin, .. }) = self.frame else { return Ok(None) };
        self.frame = None;
        if fin { self.message.finish() } else { Ok(None) }
    }
}

/// The event of a frame that came in one piece, and is not one of several of a message.
fn whole(header: Header, payload: &mut [u8]) -> Result<Event, ProtocolError> {
    mask::unmask(header.key, payload);
    match header.start.opcode {
        Opcode::Close => Ok(Event::Close(close::parse_close(payload)?)),
        Opcode::Ping => Ok(Event::Ping(Bytes::copy_from_slice(payload))),
        Opcode::Pong => Ok(Event::Pong(Bytes::copy_from_slice(payload))),
        _ => assemble::whole(header.start, payload),
    }
}

/// The event of a control frame that came in pieces.
fn control(opcode: Opcode, payload: Bytes) -> Result<Event, ProtocolError> {
    Ok(match opcode {
        Opcode::Close => Event::Close(close::parse_close(&payload)?),
        Opcode::Ping => Event::Ping(payload),
        _ => Event::Pong(payload),
    })
}

impl std::fmt::Debug for Decoder {
    /// Without payloads: they do not belong in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("message_started", &self.message_started()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
