//! What is there of a message or a frame that is not complete.

use std::mem;

use bytes::Bytes;

use super::{
    Event, ProtocolError,
    assemble::Assembly,
    carry::Carry,
    close,
    frame::{Header, Opcode, Start},
    mask::Mask,
};

#[derive(Default)]
pub(super) struct Partial {
    pub(super) message: Assembly,
    /// The frame whose payload is not complete.
    pub(super) frame: Option<Frame>,
    /// The payload of that frame, if it is a control frame: these come in the middle of messages (RFC 6455 §5.4).
    control: Box<[u8]>,
    /// A header that is not complete.
    pub(super) carry: Carry,
}

/// A frame whose header is there.
pub(super) struct Frame {
    pub(super) missing: usize,
    mask: Mask,
    pub(super) opcode: Opcode,
    fin: bool,
}

impl Partial {
    pub(super) fn started(&self) -> bool {
        self.message.started() || self.frame.is_some() || !self.carry.is_empty()
    }

    pub(super) fn open(&mut self, header: Header) {
        let Header { start: Start { opcode, fin, .. }, len, key } = header;
        if opcode.is_control() {
            self.control = vec![0; len].into();
        } else {
            self.message.begin(header.start);
        }
        self.frame = Some(Frame { missing: len, mask: Mask::new(key), opcode, fin });
    }

    /// Takes what `input` has of the open frame's payload.
    pub(super) fn payload(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), ProtocolError> {
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

    /// Opens a data frame whose payload, as far as it is there, is what `buffer` holds behind the header.
    pub(super) fn adopt(
        &mut self,
        header: Header,
        mut buffer: Vec<u8>,
        head: usize,
    ) -> Result<Option<Event>, ProtocolError> {
        let Header { start, len, key } = header;
        let mut mask = Mask::new(key);
        mask.apply(&mut buffer[head..]);
        let missing = len - (buffer.len() - head);
        self.frame = Some(Frame { missing, mask, opcode: start.opcode, fin: start.fin });
        self.message.adopt(start, buffer, head)?;
        self.end_of_data()
    }

    /// Takes in the `n` bytes that were read into the message's own buffer.
    pub(super) fn filled(&mut self, n: usize) -> Result<Option<Event>, ProtocolError> {
        let Some(frame) = &mut self.frame else { return Ok(None) };
        frame.mask.apply(self.message.last(n));
        frame.missing -= n;
        self.message.check()?;
        self.end_of_data()
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

/// The event of a control frame that came in pieces.
fn control(opcode: Opcode, payload: Bytes) -> Result<Event, ProtocolError> {
    Ok(match opcode {
        Opcode::Close => Event::Close(close::parse_close(&payload)?),
        Opcode::Ping => Event::Ping(payload),
        _ => Event::Pong(payload),
    })
}
