//! However a stream is cut, it means the same.

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::ws::proto::CloseFrame;

/// A message or a control frame of a client, in frames.
#[derive(Clone, Debug)]
pub(super) struct Said {
    text: bool,
    /// The decoder passes it on as it is.
    compressed: bool,
    payload: String,
    /// Where the message is cut into frames, each cut with the control frame that comes there.
    cuts: Vec<(Index, Option<Control>)>,
    key: [u8; 4],
}

/// Whether it is a ping or a pong, and its payload.
type Control = (bool, Vec<u8>);

impl Said {
    pub(super) fn put(&self, stream: &mut Vec<u8>, events: &mut Vec<Event>) {
        let payload = self.payload.as_bytes();
        let mut cuts: Vec<_> = self.cuts.iter().map(|(at, control)| (at.index(payload.len() + 1), control)).collect();
        cuts.sort_by_key(|&(at, _)| at);
        let rsv1 = if self.compressed { RSV1 } else { 0 };
        let (mut start, mut opcode) = (0, rsv1 | if self.text { TEXT } else { BINARY });
        for (at, control) in cuts {
            stream.extend(masked(opcode, self.key, &payload[start..at]));
            (start, opcode) = (at, CONTINUATION);
            if let Some((ping, payload)) = control {
                stream.extend(masked(FIN | if *ping { PING } else { PONG }, self.key, payload));
                let payload = Bytes::copy_from_slice(payload);
                events.push(if *ping { Event::Ping(payload) } else { Event::Pong(payload) });
            }
        }
        stream.extend(masked(FIN | opcode, self.key, &payload[start..]));
        events.push(match (self.compressed, self.text) {
            (false, true) => text(&self.payload),
            (false, false) => binary(payload),
            (true, text) => Event::Compressed { text, payload: Bytes::copy_from_slice(payload) },
        });
    }
}

/// `compressed`: some of them, where that was agreed on.
pub(super) fn said(compressed: bool) -> impl Strategy<Value = Said> {
    let payload = prop_oneof![
        8 => ".{0,60}",
        1 => "\\PC{100,300}",
        // Large enough for `direct`, with characters of one to four bytes across every boundary.
        1 => (".{1,20}", 10_000..60_000usize).prop_map(|(unit, len)| unit.repeat(len / unit.len())),
    ];
    let control = (any::<bool>(), prop::collection::vec(any::<u8>(), 0..=125));
    let cuts = prop::collection::vec((any::<Index>(), prop::option::of(control)), 0..4);
    let kind = (any::<bool>(), any::<bool>());
    (kind, payload, cuts, any::<[u8; 4]>()).prop_map(move |((text, rsv1), payload, cuts, key)| Said {
        text,
        compressed: compressed && rsv1,
        payload,
        cuts,
        key,
    })
}

/// A close frame, or none: with a code and a reason, or empty.
fn ending() -> impl Strategy<Value = Option<Option<CloseFrame>>> {
    let code = prop_oneof![1000..=1003u16, 1007..=1014u16, 3000..=4999u16];
    let frame = (code, ".{0,30}").prop_map(|(code, reason)| CloseFrame { code: code.into(), reason: reason.into() });
    prop::option::of(prop::option::of(frame))
}

fn put_close(close: &Option<CloseFrame>, stream: &mut Vec<u8>, events: &mut Vec<Event>) {
    let payload = close.as_ref().map(|frame| [&frame.code.as_u16().to_be_bytes(), frame.reason.as_bytes()].concat());
    stream.extend(frame(FIN | CLOSE, payload.unwrap_or_default()));
    events.push(Event::Close(close.clone()));
}

pub(super) fn stream(said: &[Said]) -> (Vec<u8>, Vec<Event>) {
    let (mut stream, mut events) = (Vec::new(), Vec::new());
    for said in said {
        said.put(&mut stream, &mut events);
    }
    (stream, events)
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![4 => 1..20usize, 2 => 20..2_000usize, 1 => 2_000..70_000usize];
    prop::collection::vec(size, 1..6)
}

/// Rules small enough to be broken by chance.
fn rules() -> impl Strategy<Value = Rules> {
    let narrow = (0..300usize, 0..200usize, 1..5u32, any::<bool>());
    let narrow = narrow.prop_map(|(max_message, max_frame, max_fragments, allow_rsv1)| Rules {
        max_message,
        max_frame,
        max_fragments,
        allow_rsv1,
    });
    prop_oneof![Just(Rules::default()), Just(Rules { allow_rsv1: true, ..Rules::default() }), narrow]
}

/// Streams that go wrong somewhere: random from the start, or valid ones with a few bytes changed.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let changed = (prop::collection::vec(said(true), 1..5), prop::collection::vec((any::<Index>(), any::<u8>()), 1..4))
        .prop_map(|(said, changes)| {
            let (mut stream, _) = stream(&said);
            for (at, byte) in changes {
                let at = at.index(stream.len());
                stream[at] = byte;
            }
            stream
        });
    prop_oneof![1 => prop::collection::vec(any::<u8>(), 0..200), 3 => changed]
}

proptest! {
    #[test]
    fn any_split_of_a_valid_stream_gives_its_events(
        said in prop::collection::vec(said(true), 1..6), ending in ending(), sizes in sizes(), direct: bool,
    ) {
        let (mut stream, mut events) = stream(&said);
        if let Some(close) = &ending {
            put_close(close, &mut stream, &mut events);
        }
        let rules = Rules { allow_rsv1: true, ..Rules::default() };
        let mut decoder = Decoder::new();
        let outcome = feed(&mut decoder, &rules, &stream, &sizes, direct);
        prop_assert_eq!(outcome, Outcome { events, error: None, fed: stream.len() });
        prop_assert!(!decoder.message_started());
    }

    #[test]
    fn any_split_of_a_bad_stream_gives_the_same_verdict(
        stream in garbage(), rules in rules(), sizes in sizes(), direct: bool,
    ) {
        let whole = feed(&mut Decoder::new(), &rules, &stream, &[], false);
        let split = feed(&mut Decoder::new(), &rules, &stream, &sizes, direct);
        prop_assert_eq!(&split.events, &whole.events);
        prop_assert_eq!(split.error, whole.error);
        prop_assert!(matches!(whole.code(), None | Some(1002 | 1007 | 1008 | 1009)));
    }

    #[test]
    fn the_verdict_comes_at_the_first_byte_that_suffices(stream in garbage(), rules in rules()) {
        let trickled = feed(&mut Decoder::new(), &rules, &stream, &[1], false);
        let up_to = |end: usize| feed(&mut Decoder::new(), &rules, &stream[..end], &[], false).error;
        prop_assert_eq!(up_to(trickled.fed), trickled.error);
        if trickled.error.is_some() {
            prop_assert_eq!(up_to(trickled.fed - 1), None);
        }
    }
}

/// Some of everything, good to its end; and what may be wrong behind it.
#[test]
fn every_split_in_three() {
    let good = [
        frame(FIN | TEXT, "grün"),
        frame(TEXT, b"cut \xe8"),
        frame(FIN | PING, "there?"),
        frame(CONTINUATION, b"\xaa"),
        frame(CONTINUATION, ""),
        frame(FIN | PONG, ""),
        frame(FIN | CONTINUATION, b"\x9e!"),
        frame(RSV1 | BINARY, [0xf2, 0x48]),
        frame(FIN | PING, ""),
        frame(FIN | CONTINUATION, [0xcd, 0x00]),
        frame(FIN | BINARY, ""),
        frame(FIN | BINARY, [7; 126]),
    ]
    .concat();
    let rules = Rules { max_message: 200, max_frame: 150, max_fragments: 4, allow_rsv1: true };
    for (behind, code) in [
        (vec![], None),
        (frame(FIN | CLOSE, ""), None),
        (frame(FIN | CLOSE, b"\x03\xe8bye"), None),
        (claim(FIN | RSV1 | PING, 1), Some(1002)),
        (frame(FIN | CONTINUATION, "x"), Some(1002)),
        (frame(FIN | TEXT, b"ab\xe2\x28\xa1"), Some(1007)),
        ([frame(TEXT, b"\xf0\x9f"), frame(FIN | CONTINUATION, b"\xa6x")].concat(), Some(1007)),
        (frame(FIN | CLOSE, b"\x03\xe8\xff"), Some(1007)),
        ([frame(TEXT, ""), frame(CONTINUATION, "").repeat(4)].concat(), Some(1008)),
        (claim(FIN | BINARY, 151), Some(1009)),
        ([frame(BINARY, [1; 150]), claim(FIN | CONTINUATION, 51)].concat(), Some(1009)),
    ] {
        let stream = [good.clone(), behind].concat();
        let whole = feed(&mut Decoder::new(), &rules, &stream, &[], false);
        assert_eq!((whole.events.len() >= 8, whole.code()), (true, code));
        for first in 1..stream.len() - 1 {
            // Each place is the first cut of some streams and the second of others.
            for second in (first + 1..stream.len()).step_by(11) {
                let sizes = [first, second - first, stream.len() - second];
                let split = feed(&mut Decoder::new(), &rules, &stream, &sizes, false);
                assert_eq!((&split.events, split.error), (&whole.events, whole.error), "{sizes:?}");
            }
        }
    }
}
