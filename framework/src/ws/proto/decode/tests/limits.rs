//! Limits hold at the header, and memory follows what arrived.

use super::*;

const RULES: Rules = Rules { max_message: 100, max_frame: 60, max_fragments: 3, allow_rsv1: false };

fn limited(stream: &[u8]) -> Outcome {
    feed(&mut Decoder::new(), &RULES, stream, &[1], false)
}

#[test]
fn frames_and_messages_up_to_the_limit() {
    let stream = [frame(BINARY, [1; 60]), frame(FIN | CONTINUATION, [1; 40])].concat();
    assert_eq!(limited(&stream).events, [binary(&[1; 100])]);

    let outcome = limited(&frame(FIN | BINARY, [1; 61]));
    assert_eq!((outcome.code(), outcome.fed), (Some(1009), 2));

    let start = frame(BINARY, [1; 60]);
    let outcome = limited(&[start.clone(), frame(FIN | CONTINUATION, [1; 41])].concat());
    assert_eq!((outcome.code(), outcome.fed), (Some(1009), start.len() + 2));

    // Control frames do not count.
    assert_eq!(limited(&frame(FIN | PING, [1; 125])).events.len(), 1);
}

#[test]
fn fragments_up_to_the_limit() {
    let mut stream = [frame(TEXT, ""), frame(CONTINUATION, "")].concat();
    assert_eq!(limited(&[&stream[..], &frame(FIN | CONTINUATION, "")].concat()).events, [text("")]);
    stream.extend(frame(CONTINUATION, ""));
    let outcome = limited(&[&stream[..], &frame(FIN | CONTINUATION, "")].concat());
    assert_eq!((outcome.code(), outcome.fed), (Some(1008), stream.len() + 1));
}

#[test]
fn the_default_admits_131_072_fragments_of_a_byte_and_no_more() {
    let mut stream = frame(TEXT, "a");
    stream.extend((0..131_070).flat_map(|_| frame(CONTINUATION, "a")));
    let whole = [&stream[..], &frame(FIN | CONTINUATION, "a")].concat();
    assert_eq!(outcome(&whole).events, [text(&"a".repeat(131_072))]);
    let more = [&stream[..], &frame(CONTINUATION, "a"), &frame(FIN | CONTINUATION, "a")].concat();
    assert_eq!(outcome(&more).code(), Some(1008));
}

/// Autobahn's cases 9.3.1 and 9.4.1: an empty frame ends what was cut into 65,536.
#[test]
fn the_default_admits_an_empty_frame_behind_65_536() {
    let mut stream = frame(TEXT, "a");
    stream.extend((0..65_535).flat_map(|_| frame(CONTINUATION, "a")));
    stream.extend(frame(FIN | CONTINUATION, ""));
    assert_eq!(outcome(&stream).events, [text(&"a".repeat(65_536))]);
}

#[test]
fn memory_follows_what_arrived() {
    const LEN: usize = 1 << 20;
    for piece in [1_000, LARGE, 70_000, LEN] {
        // What the message before has left would do for this one.
        crate::ws::proto::release_spare_buffers();
        let mut decoder = Decoder::new();
        let mut header = [claim(FIN | BINARY, LEN), vec![0; 4]].concat();
        decoder.decode(&Rules::default(), &mut header).unwrap();
        // Nothing is reserved for the claim.
        assert!(decoder.direct().is_none());
        let mut arrived = LARGE;
        decoder.decode(&Rules::default(), &mut vec![0; LARGE]).unwrap();
        while let Some(mut room) = decoder.direct() {
            let factor = if arrived < COMMITTED { 3 } else { 5 };
            assert!(room.get_ref().capacity() <= arrived * factor, "{arrived}");
            assert!(room.remaining_mut() <= LEN - arrived);
            let size = room.remaining_mut().min(piece);
            room.put_bytes(0, size);
            arrived += size;
            let event = decoder.filled(&Rules::default(), size).unwrap();
            assert_eq!(event.is_some(), arrived == LEN);
        }
        // What is left is less than 16 KiB, and has room already or is copied.
        let (_, event) = decoder.decode(&Rules::default(), &mut vec![0; LEN - arrived]).unwrap();
        assert_eq!(event.is_some(), arrived < LEN);
        assert!(!decoder.message_started());
    }
}

#[test]
fn a_buffer_is_kept_only_if_much_of_it_is_needed() {
    let adopt = |frame: &[u8], capacity: usize| {
        let mut buffer = Vec::with_capacity(capacity);
        buffer.extend_from_slice(frame);
        let mut decoder = Decoder::new();
        let (event, rest) = decoder.adopt(&Rules::default(), buffer).unwrap();
        (event.is_some(), decoder.message_started(), rest.len())
    };
    let large = frame(FIN | BINARY, vec![7; 20_000]);
    assert_eq!(adopt(&large, 20_014), (true, false, 0));
    assert_eq!(adopt(&[&large[..], &[1, 2, 3]].concat(), 30_000), (true, false, 3));
    assert_eq!(adopt(&large[..630], 20_014), (false, true, 0));
    // Little has come, of much room.
    assert_eq!(adopt(&large[..620], 20_014), (false, false, 620));
    // Much room, for a message that needs little of it, whatever follows.
    let several = [&large[..], &large[..], &large[..], &large[..], &large[..], &large[..]].concat();
    assert_eq!(adopt(&several, 121_000), (false, false, 6 * 20_008));
    // Nothing large; a header that is not complete.
    assert_eq!(adopt(&frame(FIN | BINARY, [7; 500]), 600), (false, false, 508));
    assert_eq!(adopt(&frame(FIN | PING, [7; 100]), 120), (false, false, 106));
    assert_eq!(adopt(&large[..3], 10), (false, false, 3));
    // The first of several frames.
    assert_eq!(adopt(&frame(BINARY, vec![7; 20_000]), 20_014), (false, true, 0));
}

#[test]
fn a_text_in_a_buffer_of_its_own_is_checked() {
    let text = "é".repeat(10_000).into_bytes();
    for (at, byte) in [(0, 0xff), (9_999, b'x'), (19_999, 0xc3)] {
        let mut bad = text.clone();
        bad[at] = byte;
        let buffer = frame(FIN | TEXT, bad);
        let error = Decoder::new().adopt(&Rules::default(), buffer).unwrap_err();
        assert_eq!(u16::from(error.code()), 1007, "{byte:#x} at {at}");
    }
    let (event, _) = Decoder::new().adopt(&Rules::default(), frame(FIN | TEXT, &text)).unwrap();
    assert!(matches!(event, Some(Event::Message(Message::Text(got))) if got.as_bytes() == text));
}

#[test]
fn direct_is_for_large_rests_of_large_data_frames_only() {
    let mut decoder = Decoder::new();
    let rules = Rules::default();
    assert!(decoder.direct().is_none());
    let mut stream = frame(FIN | BINARY, vec![7; 2 * LARGE + 1]);
    let end = stream.len() - LARGE - 2;
    let (start, rest) = stream.split_at_mut(end);
    decoder.decode(&rules, start).unwrap();
    assert!(decoder.direct().is_none());
    decoder.decode(&rules, &mut rest[..1]).unwrap();
    // A third of it is there, so there is room for the rest.
    assert_eq!(decoder.direct().unwrap().remaining_mut(), LARGE + 1);
    decoder.decode(&rules, &mut rest[1..3]).unwrap();
    assert!(decoder.direct().is_none());
    let (_, event) = decoder.decode(&rules, &mut rest[3..]).unwrap();
    assert_eq!(event, Some(binary(&vec![7; 2 * LARGE + 1])));
    assert!(decoder.direct().is_none());
}
