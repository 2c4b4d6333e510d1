//! Streams of client frames, fed in pieces.

mod against_tungstenite;
mod headers;
mod limits;
mod messages;
mod splits;

use bytes::BufMut;

use super::*;
use crate::ws::proto::{Message, assemble::COMMITTED};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The header of a client's frame, but for the key.
fn claim(first: u8, len: usize) -> Vec<u8> {
    let mut out = vec![first];
    match len {
        0..=125 => out.push(0x80 | len as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
    out
}

fn masked(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = claim(first, payload.len());
    out.extend(key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    out
}

/// A frame of a client.
fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    masked(first, [0x37, 0xfa, 0x21, 0x3d], payload.as_ref())
}

/// What came of a stream: its events, and the error that ended it with the number of bytes fed by then.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    error: Option<ProtocolError>,
    fed: usize,
}

impl Outcome {
    fn code(&self) -> Option<u16> {
        self.error.map(|error| error.code().as_u16())
    }
}

/// Feeds `stream` in pieces of the `sizes`, over and over, as the driver reads large messages where that is asked for:
/// through `adopt` and `direct`.
fn feed(decoder: &mut Decoder, rules: &Rules, stream: &[u8], sizes: &[usize], direct: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut sizes = sizes.iter().copied().filter(|&size| size > 0).cycle();
    while outcome.fed < stream.len() && outcome.error.is_none() {
        let rest = &stream[outcome.fed..];
        let piece = &rest[..sizes.next().unwrap_or(rest.len()).min(rest.len())];
        let fed = match decoder.direct().filter(|_| direct) {
            Some(mut room) => {
                let size = piece.len().min(room.remaining_mut());
                assert!(size > 0, "room for nothing");
                room.put_slice(&piece[..size]);
                outcome.take(decoder.filled(rules, size));
                size
            }
            None if direct => {
                let adopted = decoder.adopt(rules, piece.to_vec());
                let rest = adopted.as_ref().map_or(Vec::new(), |(_, rest)| rest.clone());
                outcome.take(adopted.map(|(event, _)| event));
                outcome.decode(decoder, rules, &rest);
                piece.len()
            }
            None => {
                outcome.decode(decoder, rules, piece);
                piece.len()
            }
        };
        outcome.fed += fed;
    }
    outcome
}

impl Outcome {
    fn decode(&mut self, decoder: &mut Decoder, rules: &Rules, piece: &[u8]) {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        while !input.is_empty() && self.error.is_none() {
            let result = decoder.decode(rules, input);
            if let Ok((taken, event)) = &result {
                assert!(*taken > 0 && (event.is_some() || *taken == input.len()), "{taken} of {}", input.len());
                input = &mut input[*taken..];
            }
            self.take(result.map(|(_, event)| event));
        }
    }

    fn take(&mut self, result: Result<Option<Event>, ProtocolError>) {
        match result {
            Ok(event) => self.events.extend(event),
            Err(error) => self.error = Some(error),
        }
    }
}

/// Feeds a fresh decoder all at once.
fn outcome(stream: &[u8]) -> Outcome {
    feed(&mut Decoder::new(), &Rules::default(), stream, &[], false)
}

/// Feeds a fresh decoder byte by byte.
fn trickled(stream: &[u8]) -> Outcome {
    feed(&mut Decoder::new(), &Rules::default(), stream, &[1], false)
}

fn text(text: &str) -> Event {
    Event::Message(Message::text(text))
}

fn binary(bytes: &[u8]) -> Event {
    Event::Message(Message::binary(bytes.to_vec()))
}
