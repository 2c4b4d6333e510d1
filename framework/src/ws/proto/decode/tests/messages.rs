//! Messages, whole and in pieces, and text that is none.

use super::*;
use crate::ws::proto::error::Violation;

#[test]
fn an_idle_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 96, "{}", size_of::<Decoder>());
}

#[test]
fn the_examples_of_the_rfc() {
    // §5.7.
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(outcome(&hello).events, [text("Hello")]);
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(outcome(&pong).events, [Event::Pong(Bytes::from("Hello"))]);
}

#[test]
fn control_frames_come_in_the_middle_of_a_message() {
    let stream = [
        frame(TEXT, "Hel"),
        frame(FIN | PING, "?"),
        frame(CONTINUATION, ""),
        frame(FIN | PONG, ""),
        frame(FIN | CONTINUATION, "lo"),
        frame(FIN | CLOSE, b"\x03\xe8bye"),
    ]
    .concat();
    let close = close::parse_close(b"\x03\xe8bye").unwrap();
    let expected = [Event::Ping("?".into()), Event::Pong(Bytes::new()), text("Hello"), Event::Close(close)];
    assert_eq!(outcome(&stream).events, expected);
    assert_eq!(trickled(&stream).events, expected);
}

#[test]
fn empty_messages() {
    let stream = [
        frame(FIN | TEXT, ""),
        frame(BINARY, ""),
        frame(FIN | CONTINUATION, ""),
        frame(FIN | PING, ""),
        frame(FIN | CLOSE, ""),
    ]
    .concat();
    let expected = [text(""), binary(b""), Event::Ping(Bytes::new()), Event::Close(None)];
    assert_eq!(outcome(&stream).events, expected);
    assert_eq!(trickled(&stream).events, expected);
}

/// Those that a `Text` holds itself are unmasked by words, together with what lies behind them.
#[test]
fn short_texts_of_every_length_before_anything() {
    let odd: [&[u8]; 4] = [b"", "é".as_bytes(), "🐟".as_bytes(), b"\xff"];
    for (len, odd) in (0..40).flat_map(|len| odd.map(|odd| (len, odd))) {
        for (at, behind) in (0..=len).step_by(3).flat_map(|at| [0, 1, 17, 30].map(|behind| (at, behind))) {
            let mut payload = vec![b'a'; len];
            payload.splice(at..at, odd.iter().copied());
            let stream = [frame(FIN | TEXT, &payload), frame(FIN | BINARY, vec![0xff; behind])].concat();
            let outcome = outcome(&stream);
            match String::from_utf8(payload) {
                Ok(valid) => {
                    assert_eq!(outcome.events, [text(&valid), binary(&vec![0xff; behind])]);
                    let Event::Message(Message::Text(text)) = &outcome.events[0] else { unreachable!() };
                    assert_eq!(text.is_inline(), valid.len() <= 23);
                }
                Err(error) => {
                    let expected = Violation::InvalidText { at: error.utf8_error().valid_up_to() }.into();
                    assert_eq!((outcome.events, outcome.error), (vec![], Some(expected)));
                }
            }
        }
    }
}

#[test]
fn good_frames_before_a_bad_one_are_given_out() {
    let stream = [frame(FIN | TEXT, "a"), frame(FIN | PING, "b"), vec![FIN | 0x3]].concat();
    let outcome = outcome(&stream);
    assert_eq!((outcome.events.len(), outcome.code()), (2, Some(1002)));
}

#[test]
fn a_whole_message_has_a_buffer_of_its_size() {
    for len in [1, 20, 125, 126, 5_000] {
        let Some(Event::Message(message)) = outcome(&frame(FIN | BINARY, vec![7; len])).events.pop() else { panic!() };
        assert_eq!(message.into_bytes().try_into_mut().unwrap().capacity(), len);
    }
}

#[test]
fn started_until_nothing_is_partial() {
    let mut decoder = Decoder::new();
    let stream = [frame(FIN | TEXT, "a"), frame(TEXT, "b"), frame(FIN | CONTINUATION, ""), frame(FIN | PING, "c")];
    let mut ends_open = [false, true, false, false].into_iter();
    assert!(!decoder.message_started());
    for frame in stream {
        let (last, start) = frame.split_last().unwrap();
        for &byte in start {
            decoder.decode(&Rules::default(), &mut [byte]).unwrap();
            assert!(decoder.message_started());
        }
        decoder.decode(&Rules::default(), &mut [*last]).unwrap();
        assert_eq!(Some(decoder.message_started()), ends_open.next());
    }
}

#[test]
fn invalid_text_fails_at_its_first_bad_byte_in_a_frame_that_is_not_complete() {
    // Autobahn's 6.4: κόσμε, then a sequence above U+10FFFF, then more that never comes.
    let good = "κόσμε".as_bytes();
    let payload = [good, b"\xf4\x90\x80\x80", b"edited"].concat();
    let stream = frame(FIN | TEXT, &payload);
    let header = stream.len() - payload.len();
    let outcome = trickled(&stream);
    // 0xf4 may begin a character, 0xf4 0x90 may not.
    assert_eq!((outcome.code(), outcome.fed), (Some(1007), header + good.len() + 2));
    let fed = &stream[..header + good.len() + 2];
    assert_eq!(super::outcome(fed).error, outcome.error);
    assert_eq!(super::outcome(&fed[..fed.len() - 1]).error, None);
}

#[test]
fn characters_are_cut_by_frames_but_not_by_the_end_of_a_message() {
    let euro = "€".as_bytes();
    let whole = [frame(TEXT, &euro[..1]), frame(CONTINUATION, &euro[1..2]), frame(FIN | CONTINUATION, &euro[2..])];
    assert_eq!(outcome(&whole.concat()).events, [text("€")]);
    assert_eq!(outcome(&frame(FIN | TEXT, &euro[..2])).code(), Some(1007));
    let cut = [frame(TEXT, euro), frame(FIN | CONTINUATION, &euro[..2])].concat();
    let outcome = trickled(&cut);
    assert_eq!((outcome.code(), outcome.fed), (Some(1007), cut.len()));
    assert!(outcome.error.unwrap().to_string().ends_with("at 3"));
}

#[test]
fn binary_and_control_frames_carry_any_bytes() {
    let stream = [frame(FIN | BINARY, b"\xff\xfe"), frame(FIN | PING, b"\xff")].concat();
    assert_eq!(outcome(&stream).events, [binary(b"\xff\xfe"), Event::Ping(Bytes::from_static(b"\xff"))]);
}

#[test]
fn close_frames_are_checked() {
    for (payload, code) in [(&b"\x03\xe8\xff"[..], 1007), (b"\x03\xee", 1002), (b"\x03", 1002)] {
        for outcome in [outcome(&frame(FIN | CLOSE, payload)), trickled(&frame(FIN | CLOSE, payload))] {
            assert_eq!((outcome.events.len(), outcome.code()), (0, Some(code)));
        }
    }
}

#[test]
fn rsv1_reaches_the_event_and_leaves_text_unchecked() {
    let rules = Rules { allow_rsv1: true, ..Rules::default() };
    let stream = [
        frame(0x40 | TEXT, b"\xff"),
        frame(FIN | CONTINUATION, b"\xfe"),
        frame(FIN | 0x40 | BINARY, b"\xfd"),
        frame(FIN | TEXT, "plain"),
    ]
    .concat();
    let expected = [
        Event::Compressed { text: true, payload: Bytes::from_static(b"\xff\xfe") },
        Event::Compressed { text: false, payload: Bytes::from_static(b"\xfd") },
        text("plain"),
    ];
    for sizes in [&[][..], &[1]] {
        assert_eq!(feed(&mut Decoder::new(), &rules, &stream, sizes, false).events, expected);
    }
}

#[test]
fn debug_shows_no_payload() {
    let mut decoder = Decoder::new();
    feed(&mut decoder, &Rules::default(), &frame(TEXT, "secret"), &[], false);
    assert_eq!(format!("{decoder:?}"), "Decoder { message_started: true, .. }");
}
