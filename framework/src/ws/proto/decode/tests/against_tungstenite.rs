//! An independent reader of the same streams. `fuzz/fuzz_targets/differential.rs` goes further, with time.

use std::io::{self, Cursor, Read, Write};

use proptest::prelude::*;
use tungstenite::{
    Error, Message as Theirs,
    error::ProtocolError as TheirViolation,
    protocol::{Role, WebSocket, WebSocketConfig},
};

use super::{
    splits::{said, stream},
    *,
};
use crate::ws::proto::CloseFrame;

/// A socket whose peer has said all it will, and does not listen.
struct Recording(Cursor<Vec<u8>>);

impl Read for Recording {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Recording {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was said, and the code that the connection is to be failed with.
#[derive(Debug, PartialEq)]
struct Reading {
    events: Vec<Event>,
    code: Option<u16>,
}

fn our_reading(rules: &Rules, stream: &[u8]) -> Reading {
    let Outcome { mut events, error, .. } = feed(&mut Decoder::new(), rules, stream, &[], false);
    // What comes after a close frame is nobody's business (RFC 6455 §1.4).
    let close = events.iter().position(|event| matches!(event, Event::Close(_)));
    events.truncate(close.map_or(usize::MAX, |close| close + 1));
    Reading { events, code: error.filter(|_| close.is_none()).map(|error| error.code().as_u16()) }
}

fn reading_of_tungstenite(rules: &Rules, stream: Vec<u8>) -> Reading {
    let config =
        WebSocketConfig::default().max_message_size(Some(rules.max_message)).max_frame_size(Some(rules.max_frame));
    let mut socket = WebSocket::from_raw_socket(Recording(Cursor::new(stream)), Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        events.push(match socket.read() {
            Ok(Theirs::Text(said)) => text(&said),
            Ok(Theirs::Binary(bytes)) => binary(&bytes),
            Ok(Theirs::Ping(bytes)) => Event::Ping(bytes),
            Ok(Theirs::Pong(bytes)) => Event::Pong(bytes),
            Ok(Theirs::Close(frame)) => Event::Close(frame.map(|frame| close(frame.code.into(), &frame.reason))),
            Ok(Theirs::Frame(_)) => unreachable!("never read"),
            Err(error) => return Reading { events, code: code_of(&error) },
        });
    }
}

fn code_of(error: &Error) -> Option<u16> {
    match error {
        Error::ConnectionClosed | Error::Protocol(TheirViolation::ResetWithoutClosingHandshake) => None,
        Error::Capacity(_) => Some(1009),
        Error::Utf8(_) => Some(1007),
        Error::Protocol(_) => Some(1002),
        other => panic!("{other}"),
    }
}

fn close(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: code.into(), reason: reason.into() }
}

/// A frame that may be wrong in every way but one: all of it is there. tungstenite waits for whole frames.
#[derive(Clone, Debug)]
struct Odd {
    first: u8,
    masked: bool,
    /// The length in a longer form than it needs.
    padded: bool,
    payload: Vec<u8>,
}

impl Odd {
    fn put(&self, stream: &mut Vec<u8>) {
        if self.padded {
            stream.extend([self.first, u8::from(self.masked) << 7 | 127]);
            stream.extend((self.payload.len() as u64).to_be_bytes());
        } else {
            let mut header = claim(self.first, self.payload.len());
            header[1] &= 0x7f | u8::from(self.masked) << 7;
            stream.extend(header);
        }
        if self.masked {
            stream.extend([0; 4]);
        }
        stream.extend(&self.payload);
    }

    /// Whether the length could be shorter, which it could not if it needs the longest form.
    fn is_padded(&self) -> bool {
        self.padded && self.payload.len() <= 0xffff
    }
}

fn odd() -> impl Strategy<Value = Odd> {
    let opcode = prop::sample::select(vec![CONTINUATION, CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]);
    let first = prop_oneof![12 => opcode.prop_map(|opcode| FIN | opcode), 8 => 0..3u8, 1 => any::<u8>()];
    let code = prop_oneof![990..1020u16, 2995..3005u16, any::<u16>()];
    let payload = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..8),
        3 => ".{0,20}".prop_map(String::into_bytes),
        2 => (code, ".{0,5}").prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat()),
        1 => prop::collection::vec(Just(b'x'), 90..300),
    ];
    let usually = |weight| prop::bool::weighted(weight);
    (first, usually(0.95), usually(0.05), payload).prop_map(|(first, masked, padded, payload)| Odd {
        first,
        masked,
        padded,
        payload,
    })
}

/// Whether `ours` may differ from `theirs` as it does, where `at` is the frame that ended ours; each with the sentence of
/// RFC 6455 that settles it.
fn is_known(rules: &Rules, at: Option<&Odd>, ours: &Reading, theirs: &Reading) -> bool {
    let common = ours.events.iter().zip(&theirs.events).take_while(|(our, their)| our == their).count();
    let (our_rest, their_rest) = (&ours.events[common..], &theirs.events[common..]);
    // What it says itself, in place of a close frame.
    let violation = [Event::Close(Some(close(1002, "Protocol violation")))];
    // §5.2: "in all cases, the minimal number of bytes MUST be used to encode the length". It takes longer ones.
    let padded = our_rest.is_empty() && ours.code == Some(1002) && at.is_some_and(Odd::is_padded);
    // §7.4.1: 1005 and others "MUST NOT be set as a status code in a Close control frame by an endpoint". It gives a close
    // frame of its own making, and ends with 1002 all the same.
    let close_code = our_rest.is_empty() && ours.code == Some(1002) && their_rest == violation;
    // §7.4.2: the registry has 1014 since, which it does not know.
    let bad_gateway = matches!(our_rest, [Event::Close(Some(frame))] if frame.code == 1014) && their_rest == violation;
    // §7.1.7: "SHOULD send a Close frame with an appropriate status code". Where one frame breaks two rules, it looks at
    // lengths first, and in a close frame at the text before the code.
    let other_first = our_rest.is_empty()
        && their_rest.is_empty()
        && matches!((ours.code, theirs.code), (Some(1002 | 1007), Some(1007 | 1009)));
    // §5.5: "All control frames MUST have a payload length of 125 bytes or less". It holds them to the limit of a frame.
    let small_control = their_rest.is_empty()
        && theirs.code == Some(1009)
        && matches!(our_rest, [Event::Ping(_) | Event::Pong(_) | Event::Close(_), ..])
        && rules.max_frame < 125;
    padded || close_code || bad_gateway || other_first || small_control
}

proptest! {
    #[test]
    fn valid_streams_mean_the_same_to_tungstenite(said in prop::collection::vec(said(false), 1..6)) {
        let (stream, events) = stream(&said);
        let rules = Rules::default();
        prop_assert_eq!(&our_reading(&rules, &stream).events, &events);
        prop_assert_eq!(our_reading(&rules, &stream), reading_of_tungstenite(&rules, stream));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn odd_streams_get_the_same_messages_and_the_same_verdict(
        frames in prop::collection::vec(odd(), 1..6), max_message in 50..400usize, max_frame in 50..400usize,
    ) {
        let rules = Rules { max_message, max_frame, ..Rules::default() };
        let (mut stream, mut ends) = (Vec::new(), Vec::new());
        for frame in &frames {
            frame.put(&mut stream);
            ends.push(stream.len());
        }
        let ours = our_reading(&rules, &stream);
        let trickled = feed(&mut Decoder::new(), &rules, &stream, &[1], false);
        let at = trickled.error.and_then(|_| frames.get(ends.partition_point(|end| *end < trickled.fed)));
        let theirs = reading_of_tungstenite(&rules, stream);
        prop_assert!(ours == theirs || is_known(&rules, at, &ours, &theirs), "ours: {ours:#?}, theirs: {theirs:#?}");
    }
}
