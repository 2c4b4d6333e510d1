//! The codec by itself, without IO, queues or handlers: `benches/codec` counts its instructions.

use std::ops::Range;

use bytes::BufMut;

use crate::ws::{
    Message,
    proto::{Decoder, Event, Op, Rules, put_frame},
};

/// As large as the driver's.
const READ_BUFFER: usize = 64 * 1024;

/// Both directions of a connection, whose peer is a bench and breaks no rule.
#[derive(Debug)]
pub struct Codec {
    decoder: Decoder,
    rules: Rules,
    buffer: Box<[u8]>,
    /// The bytes of the buffer that are not decoded yet.
    waiting: Range<usize>,
}

impl Codec {
    /// Messages of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let rules = Rules { max_message: limit, max_frame: limit, ..Rules::default() };
        Self { decoder: Decoder::new(), rules, buffer: vec![0; READ_BUFFER].into(), waiting: 0..0 }
    }

    /// The next message, read from `stream` as the driver reads: into the message's own buffer where it is large.
    pub fn receive(&mut self, stream: &mut &[u8]) -> Option<Message> {
        loop {
            // As the driver does: most messages are short.
            let waiting = &mut self.buffer[self.waiting.clone()];
            if let Some(short) = self.decoder.short(&self.rules, waiting) {
                let (taken, short) = short.expect("frames of a bench");
                self.waiting.start += taken;
                return Some(short.message());
            }
            let event = match self.waiting.is_empty() {
                true if stream.is_empty() => return None,
                true => self.fill(stream),
                false => self.decode(),
            };
            if let Some(Event::Message(message)) = event {
                return Some(message);
            }
        }
    }

    /// Appends the frame of a message to `out`.
    pub fn send(message: &Message, out: &mut Vec<u8>) {
        match message {
            Message::Text(text) => put_frame(out, Op::Text, false, text.as_bytes()),
            Message::Binary(bytes) => put_frame(out, Op::Binary, false, bytes),
        }
    }

    fn fill(&mut self, stream: &mut &[u8]) -> Option<Event> {
        if let Some(mut room) = self.decoder.direct() {
            let size = room.remaining_mut().min(stream.len());
            room.put_slice(take(stream, size));
            return self.decoder.filled(&self.rules, size).expect("frames of a bench");
        }
        let size = self.buffer.len().min(stream.len());
        self.buffer[..size].copy_from_slice(take(stream, size));
        self.waiting = 0..size;
        None
    }

    fn decode(&mut self) -> Option<Event> {
        let input = &mut self.buffer[self.waiting.clone()];
        let (taken, event) = self.decoder.decode(&self.rules, input).expect("frames of a bench");
        self.waiting.start += taken;
        event
    }
}

/// The first `size` bytes, cut off.
fn take<'a>(stream: &mut &'a [u8], size: usize) -> &'a [u8] {
    let (taken, rest) = stream.split_at(size);
    *stream = rest;
    taken
}
