//! What a server must make of a client's bytes, read the slow way from RFC 6455, to be held against what it does.

use super::{
    bytes::{PONG, TEXT},
    raw::{Ended, Frame},
};

/// What comes back from a server that gives each message back, once the client has sent its bytes and FIN.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) messages: Vec<Frame>,
    /// They may overtake messages.
    pub(super) pongs: Vec<Frame>,
    /// `Some(None)` is a close frame without a code.
    pub(super) close: Option<Option<u16>>,
}

impl From<Ended> for Answers {
    fn from(ended: Ended) -> Self {
        let (pongs, messages) = ended.frames.into_iter().partition(|frame| frame.first == PONG);
        Self { messages, pongs, close: ended.close }
    }
}

/// Why no more is read: a code to fail with, or `None` where the bytes come to their end.
type Stop = Option<Option<u16>>;

const PROTOCOL: Stop = Some(Some(1002));
const TEXT_CODE: Stop = Some(Some(1007));
const LARGE: Stop = Some(Some(1009));

pub(super) fn answers(bytes: &[u8], limit: usize) -> Answers {
    let mut reader = Reader { rest: bytes, limit, begun: None, answers: Answers::default() };
    reader.answers.close = loop {
        if let Err(stop) = reader.frame() {
            break stop;
        }
    };
    reader.answers
}

struct Reader<'a> {
    rest: &'a [u8],
    limit: usize,
    /// A message that is not complete: its opcode, and what there is.
    begun: Option<(u8, Vec<u8>)>,
    answers: Answers,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Stop::None)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn frame(&mut self) -> Result<(), Stop> {
        let [first] = self.take()?;
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        let control = opcode >= 8;
        // Section 5.2: reserved bits and opcodes. Section 5.5: control frames are whole. Section 5.4: only a continuation
        // goes on with a message.
        let reserved = first & 0x70 != 0 || matches!(opcode, 3..=7 | 11..);
        if reserved || control && !fin || !control && self.begun.is_some() != (opcode == 0) {
            return Err(PROTOCOL);
        }
        let len = self.len(control)?;
        // Section 5.5.1: a close frame is empty or has a code.
        if opcode == 8 && len == 1 {
            return Err(PROTOCOL);
        }
        let before = self.begun.as_ref().map_or(0, |(_, payload)| payload.len());
        if !control && len > (self.limit - before) as u64 {
            return Err(LARGE);
        }
        let key: [u8; 4] = self.take()?;
        let (payload, rest) = self.rest.split_at(self.rest.len().min(len as usize));
        let complete = payload.len() as u64 == len;
        let payload: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        self.rest = rest;
        if control && !complete {
            return Err(None);
        }
        match opcode {
            8 => Err(Some(close(&payload)?)),
            9 => {
                self.answers.pongs.push(Frame { first: PONG, payload });
                Ok(())
            }
            10 => Ok(()),
            _ => self.data(opcode, &payload, complete, fin),
        }
    }

    /// Section 5.2: masked, and in the shortest form.
    fn len(&mut self, control: bool) -> Result<u64, Stop> {
        let [second] = self.take()?;
        let short = second & 0x7f;
        if second & 0x80 == 0 || control && short > 125 {
            return Err(PROTOCOL);
        }
        let (len, least) = match short {
            126 => (u16::from_be_bytes(self.take()?).into(), 126),
            127 => (u64::from_be_bytes(self.take()?), 0x1_0000),
            _ => (short.into(), 0),
        };
        if len < least || len >> 63 != 0 { Err(PROTOCOL) } else { Ok(len) }
    }

    fn data(&mut self, opcode: u8, payload: &[u8], complete: bool, fin: bool) -> Result<(), Stop> {
        let (opcode, mut message) = self.begun.take().unwrap_or((opcode, Vec::new()));
        message.extend(payload);
        let ends = complete && fin;
        // Section 8.1. A character that is not complete yet is no error.
        let is_text = opcode == TEXT & 0x0f;
        if is_text && std::str::from_utf8(&message).is_err_and(|error| ends || error.error_len().is_some()) {
            return Err(TEXT_CODE);
        }
        if !complete {
            return Err(None);
        }
        if ends {
            self.answers.messages.push(Frame { first: 0x80 | opcode, payload: message });
        } else {
            self.begun = Some((opcode, message));
        }
        Ok(())
    }
}

/// Sections 5.5.1 and 7.4: the code that comes back, or the one to fail with.
fn close(payload: &[u8]) -> Result<Option<u16>, Stop> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return Ok(None);
    };
    let code = u16::from_be_bytes(*code);
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 if std::str::from_utf8(reason).is_ok() => Ok(Some(code)),
        1000..=1003 | 1007..=1014 | 3000..=4999 => Err(TEXT_CODE),
        _ => Err(PROTOCOL),
    }
}
