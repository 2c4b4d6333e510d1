//! What the fuzz targets and `benches/codec` need of the inside, in public types. Only there with the feature `fuzzing`,
//! which is for these two alone: nothing in here is promised to anybody.

mod codec;

use ::http::request::Parts;
use bytes::{BufMut, Bytes};

use crate::{
    config::{Compression, Origins},
    extract::PathValue,
    route::pattern,
    ws::{
        self, CloseFrame, Handshake, Message, RouteOptions,
        proto::{self, Agreed, Decoder, Event, ProtocolError, Rules},
    },
};

pub use codec::Codec;

/// What a peer may send at most: bytes in a message, bytes in a frame, frames in a message, RSV1.
pub type Limits = (usize, usize, u32, bool);

/// One thing a peer said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Said {
    Message(Message),
    Compressed { text: bool, payload: Bytes },
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<CloseFrame>),
}

/// What came of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Everything up to the error.
    pub said: Vec<Said>,
    /// The close code and the text of the error that ended it.
    pub error: Option<(u16, String)>,
    /// The bytes fed by then, in whole pieces.
    pub fed: usize,
    /// Whether the stream ended inside of a message or a frame.
    pub inside: bool,
}

/// Decodes a client's stream in pieces of the `sizes`, over and over, or in one piece where there are none.
///
/// `direct`: as the driver reads large messages, through buffers of their own.
pub fn decode(limits: Limits, stream: &[u8], sizes: &[usize], direct: bool) -> Outcome {
    let (max_message, max_frame, max_fragments, allow_rsv1) = limits;
    let rules = Rules { max_message, max_frame, max_fragments, allow_rsv1 };
    let mut decoder = Decoder::new();
    let mut outcome = Outcome::default();
    let mut sizes = sizes.iter().copied().filter(|&size| size > 0).cycle();
    while outcome.fed < stream.len() && outcome.error.is_none() {
        let rest = &stream[outcome.fed..];
        let piece = &rest[..sizes.next().unwrap_or(rest.len()).min(rest.len())];
        outcome.fed += outcome.piece(&mut decoder, &rules, piece, direct);
    }
    outcome.inside = decoder.message_started();
    outcome
}

impl Outcome {
    /// Feeds a piece and gives how much of it was taken.
    fn piece(&mut self, decoder: &mut Decoder, rules: &Rules, piece: &[u8], direct: bool) -> usize {
        if let Some(mut room) = decoder.direct().filter(|_| direct) {
            let size = piece.len().min(room.remaining_mut());
            assert!(size > 0, "room for nothing");
            room.put_slice(&piece[..size]);
            self.take(decoder.filled(rules, size));
            return size;
        }
        let mut copy = piece.to_vec();
        if direct {
            let adopted = decoder.adopt(rules, copy);
            copy = adopted.as_ref().map_or(Vec::new(), |(_, rest)| rest.clone());
            self.take(adopted.map(|(event, _)| event));
        }
        let mut input = &mut copy[..];
        while !input.is_empty() && self.error.is_none() {
            let result = decoder.decode(rules, input);
            if let Ok((taken, event)) = &result {
                assert!(*taken > 0 && (event.is_some() || *taken == input.len()), "{taken} of {}", input.len());
                input = &mut input[*taken..];
            }
            self.take(result.map(|(_, event)| event));
        }
        piece.len()
    }

    fn take(&mut self, result: Result<Option<Event>, ProtocolError>) {
        match result {
            Ok(event) => self.said.extend(event.map(Said::from)),
            Err(error) => self.error = Some((error.code().as_u16(), error.to_string())),
        }
    }
}

impl From<Event> for Said {
    fn from(event: Event) -> Self {
        match event {
            Event::Message(message) => Self::Message(message),
            Event::Compressed { text, payload } => Self::Compressed { text, payload },
            Event::Ping(payload) => Self::Ping(payload),
            Event::Pong(payload) => Self::Pong(payload),
            Event::Close(frame) => Self::Close(frame),
        }
    }
}

/// A handshake that passed.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct Accepted {
    pub accept: String,
    pub protocol: Option<&'static str>,
    pub offered: Vec<String>,
    /// The answer's `Sec-WebSocket-Extensions`.
    pub extensions: Option<String>,
}

/// Checks a handshake; the error is the status of the refusal.
pub fn handshake(
    parts: &Parts,
    origins: &Origins,
    compression: &Compression,
    protocols: &'static [&'static str],
    strict: bool,
) -> Result<Accepted, u16> {
    let options = RouteOptions { protocols, strict_protocol: strict, ..RouteOptions::DEFAULT };
    let passed =
        Handshake::check(parts, origins, compression, &options).map_err(|refusal| refusal.status().as_u16())?;
    // Otherwise the table would not have led the request here.
    let request = ::http::Request::from_parts(parts.clone(), ());
    assert!(ws::wants_socket(&request), "accepted what is no upgrade");
    // These come over HTTP/1.1, where there always is one.
    let accept = passed.accept.unwrap_or_default();
    let extensions = passed.deflate.as_ref().map(Agreed::answer);
    Ok(Accepted { accept, protocol: passed.protocol, offered: passed.offered, extensions })
}

/// Both directions of a connection, for which permessage-deflate was agreed on.
#[derive(Debug)]
pub struct Deflate {
    deflater: proto::Deflater,
    inflater: proto::Inflater,
}

impl Deflate {
    /// `None`: the offer was declined.
    pub fn agree(offer: &str, compression: &Compression) -> Option<Self> {
        let agreed = proto::negotiate([offer.as_bytes()], compression)?;
        Some(Self { deflater: agreed.deflater(), inflater: agreed.inflater() })
    }

    /// The payload of a compressed message; `None` if it is better sent as it is.
    pub fn deflate(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        if !self.deflater.takes(payload.len()) {
            return None;
        }
        self.deflater.deflate(payload).map(|deflated| deflated.to_vec())
    }

    /// A compressed message of at most `limit` bytes; the error is a close code.
    pub fn inflate(&mut self, text: bool, payload: &[u8], limit: usize) -> Result<Message, u16> {
        self.inflater.inflate(text, payload, limit).map_err(|error| error.code().as_u16())
    }
}

/// A route's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pattern::Pattern);

impl Pattern {
    /// The error says what is wrong.
    pub fn parse(path: &str) -> Result<Self, String> {
        pattern::Pattern::parse(path).map(Self)
    }

    /// The path in matchit's words.
    pub fn shape(&self) -> String {
        self.0.shape()
    }

    /// Whether some request could match both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.overlaps(&other.0)
    }

    /// The parameters' names and values, for what matchit found; that of `<rest..>` has its segments.
    pub fn values<'v>(&self, found: impl Iterator<Item = &'v str>) -> Vec<(String, Vec<String>)> {
        let values = self.0.values(found).0.into_iter();
        let values = values.map(|(name, value)| match value {
            PathValue::One(value) => (name.to_string(), vec![value]),
            PathValue::Rest(values) => (name.to_string(), values),
        });
        values.collect()
    }
}

/// A request's path as it is looked up.
pub fn normalize(path: &str) -> Option<String> {
    pattern::normalize(path).map(Into::into)
}
