//! Frames of a client: mostly right, so that the fuzzer gets past the first one.

use arbitrary::{Arbitrary, Result, Unstructured};

/// Drawn more often than any other first byte: messages, fragments, control frames.
const FIRST: [u8; 16] =
    [0x81, 0x82, 0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x00, 0x80, 0x89, 0x8a, 0x88, 0xc1, 0xc2, 0x41];

/// Enough for the decoder's direct path, which begins at 16 KiB, and to go round the reads of others.
const LONGEST: usize = 48 * 1024;

#[derive(Clone, Debug)]
pub struct Frame<'a> {
    pub first: u8,
    pub length: Length,
    pub key: Option<[u8; 4]>,
    pub payload: Payload<'a>,
}

/// How the length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    Shortest,
    /// In two bytes, whether or not it needs them.
    Two,
    /// In eight bytes, whether or not it needs them.
    Eight,
}

#[derive(Clone, Debug)]
pub enum Payload<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Large, for few bytes of input.
    Repeated(&'a [u8], usize),
    Close(u16, &'a [u8]),
}

impl<'a> Arbitrary<'a> for Frame<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let first = match u.arbitrary::<u8>()? {
            0 => u.arbitrary()?,
            other => FIRST[usize::from(other) % FIRST.len()],
        };
        let shape: u8 = u.arbitrary()?;
        let length = match shape {
            1 => Length::Two,
            2 => Length::Eight,
            _ => Length::Shortest,
        };
        let key = if shape == 3 { None } else { Some(u.arbitrary()?) };
        let payload = if first & 0x0f == 0x8 && shape % 4 != 0 { Payload::close(u)? } else { u.arbitrary()? };
        Ok(Self { first, length, key, payload })
    }
}

impl<'a> Arbitrary<'a> for Payload<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary::<u8>()? % 8 {
            0..=2 => Self::Text(u.arbitrary()?),
            3..=5 => Self::Bytes(u.arbitrary()?),
            _ => {
                let (times, unit): (u16, &[u8]) = u.arbitrary()?;
                Self::Repeated(unit, usize::from(times).min(LONGEST / unit.len().max(1)))
            }
        })
    }
}

impl<'a> Payload<'a> {
    fn close(u: &mut Unstructured<'a>) -> Result<Self> {
        // The edges of the ranges that are told apart (RFC 6455 §7.4).
        const CODES: [u16; 20] = [
            999, 1000, 1001, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1013, 1014, 1015, 1016, 2999, 3000, 4000, 4999,
            5000, 0,
        ];
        let code = if u.arbitrary()? { *u.choose(&CODES)? } else { u.arbitrary()? };
        Ok(Self::Close(code, u.arbitrary()?))
    }

    fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Repeated(unit, times) => unit.repeat(*times),
            Self::Close(code, reason) => [&code.to_be_bytes()[..], reason].concat(),
        }
    }
}

impl Frame<'_> {
    pub fn put(&self, out: &mut Vec<u8>) {
        let payload = self.payload.to_vec();
        let mask_bit = if self.key.is_some() { 0x80 } else { 0 };
        out.push(self.first);
        match (self.length, payload.len()) {
            (Length::Eight, len) | (_, len @ 0x1_0000..) => {
                out.push(mask_bit | 127);
                out.extend((len as u64).to_be_bytes());
            }
            (Length::Two, len) | (_, len @ 126..) => {
                out.push(mask_bit | 126);
                out.extend((len as u16).to_be_bytes());
            }
            (Length::Shortest, len) => out.push(mask_bit | len as u8),
        }
        let key = self.key.unwrap_or_default();
        out.extend(self.key.iter().flatten());
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}
