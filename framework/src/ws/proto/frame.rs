//! The header of a frame, checked byte by byte as it comes (RFC 6455 §5.2).

use super::error::{ProtocolError, Violation};

/// The longest header of a masked frame: two bytes, eight of length, four of key.
pub(crate) const MAX_HEADER: usize = 14;

/// The shortest one: two bytes and the key.
pub(super) const SHORT_HEADER: usize = 6;

/// What a frame is (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    /// §5.5: the most significant bit of the four tells.
    pub(super) fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// The first byte of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    pub(super) rsv1: bool,
}

impl Start {
    pub(super) fn parse(byte: u8, allow_rsv1: bool) -> Result<Self, ProtocolError> {
        let opcode = match byte & 0x0f {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xa => Opcode::Pong,
            // §5.2: an unknown opcode fails the connection.
            other => return Err(Violation::ReservedOpcode(other).into()),
        };
        let start = Self { opcode, fin: byte & 0x80 != 0, rsv1: byte & 0x40 != 0 };
        // §5.2: a reserved bit needs an extension that gives it a meaning. RFC 7692 §6 does so for RSV1, on the first
        // frame of a message only (§6.1 there: neither on continuations nor on control frames).
        let allowed = if allow_rsv1 && matches!(opcode, Opcode::Text | Opcode::Binary) { 0x40 } else { 0 };
        if byte & 0x70 & !allowed != 0 {
            return Err(Violation::ReservedBits(byte >> 4 & 7).into());
        }
        // §5.5: control frames are not fragmented.
        if opcode.is_control() && !start.fin {
            return Err(Violation::FragmentedControl.into());
        }
        Ok(start)
    }
}

/// The length a header that starts with `bytes` claims, and where the masking key follows; `None` while it cannot be
/// told. It is below 2^63.
pub(super) fn length(opcode: Opcode, bytes: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    // §5.1: a server fails a connection on which a frame is not masked.
    if second & 0x80 == 0 {
        return Err(Violation::Unmasked.into());
    }
    let short = second & 0x7f;
    if opcode.is_control() {
        check_control(opcode, short)?;
    }
    if short <= 125 {
        return Ok(Some((u64::from(short), 2)));
    }
    long_length(short, &bytes[2..])
}

fn check_control(opcode: Opcode, short: u8) -> Result<(), ProtocolError> {
    // §5.5: a control frame has at most 125 bytes, so its length is in the second byte.
    if short > 125 {
        return Err(Violation::LongControl.into());
    }
    // §5.5.1: a close frame is empty or begins with a code of two bytes.
    if opcode == Opcode::Close && short == 1 {
        return Err(Violation::HalfCloseCode.into());
    }
    Ok(())
}

/// The two long forms of a length. §5.2: it takes the shortest form it fits.
fn long_length(short: u8, bytes: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    if short == 126 {
        let Some(len) = bytes.first_chunk() else { return Ok(None) };
        let len = u64::from(u16::from_be_bytes(*len));
        return if len > 125 { Ok(Some((len, 4))) } else { Err(Violation::PaddedLength.into()) };
    }
    let Some(len) = bytes.first_chunk() else { return Ok(None) };
    let len = u64::from_be_bytes(*len);
    // §5.2: the most significant bit is 0.
    if len >> 63 != 0 {
        return Err(Violation::HugeLength.into());
    }
    if len > 0xffff { Ok(Some((len, 10))) } else { Err(Violation::PaddedLength.into()) }
}

/// Whether `bytes` are a header, perhaps not a right one, of a frame of at least 64 KiB.
pub(crate) fn is_longest_header(bytes: &[u8]) -> bool {
    bytes.len() == MAX_HEADER && bytes[1] & 0x7f == 127
}

/// A checked header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) start: Start,
    pub(super) len: usize,
    pub(super) key: [u8; 4],
}

impl Header {
    /// The header of an unfragmented data frame of at most 125 bytes, if `bytes` start with one, and how many bytes
    /// there are after it.
    #[inline(always)]
    pub(super) fn short(bytes: &[u8]) -> Option<(Self, usize)> {
        let &[first, second, ref rest @ ..] = bytes else { return None };
        let (&key, payload) = rest.split_first_chunk()?;
        let opcode = match first {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        // With the mask bit this is the length; without, or with a longer form, it is over 125.
        let len = usize::from(second ^ 0x80);
        let start = Start { opcode, fin: true, rsv1: false };
        (len <= 125).then_some((Self { start, len, key }, payload.len()))
    }
}
