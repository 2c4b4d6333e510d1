//! Bytes become events, frame by frame.

use bytes::{Bytes, buf::Limit};

use super::{
    Event, ProtocolError, Rules,
    assemble::{self, Assembly, LARGE, Short},
    close,
    frame::{self, Header, Opcode, SHORT_HEADER, Start},
    mask,
    partial::Partial,
    spare,
};

/// Messages of this length on are worth it to be read into a buffer of their own from their first byte on: where one has
/// come, the next is likely to be like it.
pub(crate) const WORTH_A_BUFFER: usize = 8 * 1024;

/// A buffer is kept once one part in so many of it has arrived. It has room for at most twice what the last message had: who
/// has sent that is likely to send the rest, and a first read often finds little.
pub(crate) const ARRIVED: usize = 32;

/// The reading half of the protocol for one connection. After an error it is of no more use.
///
/// It holds one word, unless a message or a frame is partly there.
#[derive(Default)]
pub(crate) struct Decoder {
    partial: Option<Box<Partial>>,
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
        if let Some(short) = self.short(rules, input) {
            return short.map(|(taken, short)| (taken, Some(Event::Message(short.message()))));
        }
        let mut taken = 0;
        while taken < input.len() {
            let mut rest = &mut input[taken..];
            if !self.in_frame() {
                let Some((header, size)) = self.header(rules, rest)? else { return Ok((input.len(), None)) };
                taken += size;
                rest = &mut rest[size..];
                if header.len <= rest.len() && self.is_whole(header.start) {
                    let event = whole(header, &mut rest[..header.len])?;
                    self.put_away();
                    return Ok((taken + header.len, Some(event)));
                }
                self.partial().open(header);
            }
            let (size, event) = self.partial().payload(rest)?;
            taken += size;
            self.put_away();
            if event.is_some() {
                return Ok((taken, event));
            }
        }
        Ok((taken, None))
    }

    /// Where to read into while at least 16 KiB of a data frame are missing and as many have arrived: the message's own
    /// buffer.
    ///
    /// The room never goes past the frame, and grows with what has arrived, not with what was claimed.
    pub(crate) fn direct(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let Partial { frame, message, .. } = &mut **self.partial.as_mut()?;
        let frame = frame.as_ref().filter(|frame| frame.missing >= LARGE && !frame.opcode.is_control())?;
        message.is_large().then(|| message.room(frame.missing))
    }

    /// Takes in the `n` bytes that were read through [`direct`](Self::direct).
    ///
    /// The rules were applied at the header; they are here so that both ways to feed a decoder look alike.
    pub(crate) fn filled(&mut self, _rules: &Rules, n: usize) -> Result<Option<Event>, ProtocolError> {
        let event = self.partial().filled(n);
        self.put_away();
        event
    }

    /// Takes a buffer that was read into where a large message was likely to come, and the bytes that it holds. Gives the
    /// message, if all of it is there, and what lies behind it.
    ///
    /// All of it lies behind, so to say, if it does not begin with a frame that needs half of the buffer, and of which some
    /// is there: a claim alone gets nothing.
    pub(crate) fn adopt(
        &mut self,
        rules: &Rules,
        mut buffer: Vec<u8>,
    ) -> Result<(Option<Event>, Vec<u8>), ProtocolError> {
        let header = match self.partial {
            None => check_header(&Assembly::default(), rules, &buffer)?,
            Some(_) => None,
        };
        let room = buffer.capacity();
        let is_worth = |header: &Header| header.len >= WORTH_A_BUFFER.max(room / 2) && buffer.len() >= room / ARRIVED;
        let Some((header, head)) = header.filter(|(header, _)| is_worth(header)) else {
            let rest = buffer.to_vec();
            spare::give_back(buffer);
            return Ok((None, rest));
        };
        let end = buffer.len().min(head + header.len);
        let rest = buffer.split_off(end);
        if header.start.fin && header.len == buffer.len() - head {
            mask::unmask(header.key, &mut buffer[head..]);
            return assemble::whole_in(header.start, buffer, head).map(|event| (Some(event), rest));
        }
        let event = self.partial().adopt(header, buffer, head)?;
        self.put_away();
        Ok((event, rest))
    }

    /// Whether the peer is in the middle of a message or a frame.
    pub(crate) fn message_started(&self) -> bool {
        self.partial.is_some()
    }

    fn partial(&mut self) -> &mut Partial {
        self.partial.get_or_insert_default()
    }

    /// Holds nothing where nothing is in the middle.
    fn put_away(&mut self) {
        self.partial.take_if(|partial| !partial.started());
    }

    fn in_frame(&self) -> bool {
        self.partial.as_ref().is_some_and(|partial| partial.frame.is_some())
    }

    /// Decodes what nearly every frame is: a message of its own, at most 125 bytes, all there. It breaks no rule, unless
    /// its text is none. `None`: the next frame, if there is one, takes the long way. This one costs a third less.
    #[inline(always)]
    pub(crate) fn short<'i>(
        &self,
        rules: &Rules,
        input: &'i mut [u8],
    ) -> Option<Result<(usize, Short<'i>), ProtocolError>> {
        let (header, available) = Header::short(input)?;
        let fits = header.len <= available && header.len <= rules.max_frame.min(rules.max_message);
        if !fits || rules.max_fragments == 0 || self.message_started() {
            return None;
        }
        let end = SHORT_HEADER + header.len;
        Some(Short::of(&header, &mut input[SHORT_HEADER..]).map(|short| (end, short)))
    }

    /// Whether a frame gives an event by itself.
    fn is_whole(&self, start: Start) -> bool {
        start.opcode.is_control()
            || start.fin && !self.partial.as_ref().is_some_and(|partial| partial.message.started())
    }

    /// The next header and how much of `input` it took; `None` once it took all and is still not complete.
    fn header(&mut self, rules: &Rules, input: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
        let Some(partial) = &mut self.partial else {
            let header = check_header(&Assembly::default(), rules, input)?;
            if header.is_none() {
                self.partial().carry.fill(input);
            }
            return Ok(header);
        };
        if partial.carry.is_empty() {
            let header = check_header(&partial.message, rules, input)?;
            if header.is_none() {
                partial.carry.fill(input);
            }
            return Ok(header);
        }
        // Its first bytes came with an earlier input. They are checked again, which at most 13 times is cheaper than to keep
        // a state.
        let carried = partial.carry.len();
        partial.carry.fill(input);
        let header = check_header(&partial.message, rules, partial.carry.bytes())?;
        if header.is_some() {
            partial.carry.clear();
        }
        Ok(header.map(|(header, size)| (header, size - carried)))
    }
}

/// The header that `bytes` start with, behind what there is of `message`, and its size. Each check comes as soon as the
/// bytes for it are there, in an order that does not depend on how they were cut.
fn check_header(message: &Assembly, rules: &Rules, bytes: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let start = Start::parse(first, rules.allow_rsv1)?;
    let control = start.opcode.is_control();
    if !control {
        message.admit(start, rules)?;
    }
    let Some((len, at)) = frame::length(start.opcode, bytes)? else { return Ok(None) };
    let len = if control { len as usize } else { message.fit(len, start, rules)? };
    let Some(&key) = bytes[at..].first_chunk() else { return Ok(None) };
    Ok(Some((Header { start, len, key }, at + key.len())))
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

impl std::fmt::Debug for Decoder {
    /// Without payloads: they do not belong in logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("message_started", &self.message_started()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
