//! Every header there is, judged by its first bytes alone.

use super::*;

/// What RFC 6455 says to the first byte, and to the second after it.
fn allowed(first: u8, second: Option<u8>, inside: bool, rsv1: bool) -> bool {
    let (fin, reserved, opcode) = (first >= 0x80, (first >> 4) % 8, first % 16);
    let first_ok = match opcode {
        0 => inside && reserved == 0,
        1 | 2 => !inside && (reserved == 0 || rsv1 && reserved == 4),
        8..=10 => fin && reserved == 0,
        _ => false,
    };
    let second_ok = match second {
        Some(second) if second < 0x80 => false,
        Some(second) => match (opcode, second - 0x80) {
            (8, len) => len != 1 && len < 126,
            (9 | 10, len) => len < 126,
            _ => true,
        },
        None => true,
    };
    first_ok && second_ok
}

#[test]
fn the_first_two_bytes_suffice_for_a_verdict() {
    for (inside, allow_rsv1) in [(false, false), (false, true), (true, false), (true, true)] {
        let rules = Rules { allow_rsv1, ..Rules::default() };
        let judge = |bytes: &[u8], sizes: &[usize]| {
            let mut decoder = Decoder::new();
            if inside {
                feed(&mut decoder, &rules, &frame(TEXT, "start"), &[], false);
            }
            feed(&mut decoder, &rules, bytes, sizes, false)
        };
        for first in 0..=255u8 {
            let alone = judge(&[first], &[]);
            assert_eq!(alone.error.is_none(), allowed(first, None, inside, allow_rsv1), "{first:#04x}");
            for second in 0..=255u8 {
                let both = judge(&[first, second], &[]);
                let expected = if allowed(first, Some(second), inside, allow_rsv1) { None } else { Some(1002) };
                assert_eq!(both.code(), expected, "{first:#04x} {second:#04x}, inside: {inside}");
                assert!(both.events.is_empty());
                assert_eq!(judge(&[first, second], &[1]).error, both.error);
            }
        }
    }
}

#[test]
fn every_length_of_two_bytes_is_in_its_shortest_form_or_refused() {
    let rules = Rules { max_frame: usize::MAX, max_message: usize::MAX, ..Rules::default() };
    for len in 0..=u16::MAX {
        let mut bytes = vec![FIN | BINARY, 0x80 | 126];
        bytes.extend(len.to_be_bytes());
        let outcome = feed(&mut Decoder::new(), &rules, &bytes, &[], false);
        assert_eq!(outcome.code(), (len < 126).then_some(1002), "{len}");
    }
}

#[test]
fn lengths_of_eight_bytes() {
    let rules = Rules { max_frame: usize::MAX, max_message: usize::MAX, ..Rules::default() };
    let code = |len: u64, rules: &Rules| {
        let mut bytes = vec![FIN | BINARY, 0x80 | 127];
        bytes.extend(len.to_be_bytes());
        let outcome = feed(&mut Decoder::new(), rules, &bytes, &[], false);
        assert_eq!(outcome, feed(&mut Decoder::new(), rules, &bytes, &[1], false));
        outcome.code()
    };
    for (len, expected) in [
        (0, Some(1002)),
        (125, Some(1002)),
        (0xffff, Some(1002)),
        (0x1_0000, None),
        (1 << 40, None),
        (1 << 62, None),
        (1 << 63, Some(1002)),
        (u64::MAX, Some(1002)),
    ] {
        assert_eq!(code(len, &rules), expected, "{len:#x}");
    }
    assert_eq!(code(1 << 62, &Rules::default()), Some(1009));
}

#[test]
fn errors_say_what_came() {
    for (stream, says) in [
        (vec![FIN | TEXT, 5], "expected a masked frame, got an unmasked one"),
        (vec![FIN | TEXT | 0x30, 0x80], "expected no reserved bits, got 011"),
        (vec![FIN | 0xb], "expected a known opcode, got 0xb"),
        (vec![PING], "expected a whole control frame, got a fragment"),
        (vec![CONTINUATION], "expected the start of a message, got a continuation"),
        (frame(FIN | CLOSE, [0x03, 0xed]), "expected a close code that may be sent, got 1005"),
        (frame(FIN | TEXT, b"ok\xff"), "expected text in utf-8, got another byte at 2"),
        (claim(FIN | TEXT, 1 << 21), "expected at most 1048576 bytes in a frame, got more"),
    ] {
        assert_eq!(outcome(&stream).error.unwrap().to_string(), says);
    }
}
