//! All codes, all lengths.

use super::*;

fn frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame { code: code.into(), reason: reason.into() }
}

fn encoded(frame: Option<&CloseFrame>) -> Vec<u8> {
    let mut out = Vec::new();
    encode_close(frame, &mut out);
    out
}

#[test]
fn every_code_there_is() {
    for number in 0..=u16::MAX {
        let allowed = match number {
            1004..=1006 => false,
            1000..=1014 => true,
            3000..=3999 => true,
            4000..=4999 => true,
            _ => false,
        };
        let code = CloseCode::new(number);
        assert_eq!(code.is_sendable(), allowed, "{number}");
        match parse_close(&number.to_be_bytes()) {
            Ok(Some(frame)) => assert!(allowed && frame.code == number && frame.reason.is_empty(), "{number}"),
            Ok(None) => panic!("{number} is lost"),
            Err(error) => assert!(!allowed && error.code() == 1002, "{number}"),
        }
        let sent = encoded(Some(&frame(number, "x")));
        assert_eq!(parse_close(&sent[2..]).unwrap(), allowed.then(|| frame(number, "x")), "{number}");
    }
}

#[test]
fn payloads_that_are_no_close() {
    assert_eq!(parse_close(b"").unwrap(), None);
    assert_eq!(parse_close(&[3]).unwrap_err().code(), 1002);
    assert_eq!(parse_close(b"\x03\xe8\xff").unwrap_err().code(), 1007);
    // Half a character at the end.
    assert_eq!(parse_close(b"\x03\xe8\xe2\x82").unwrap_err().code(), 1007);
    // The code is read before the reason.
    assert_eq!(parse_close(b"\x03\xed\xff").unwrap_err().code(), 1002);
}

#[test]
fn frames_on_the_wire() {
    assert_eq!(encoded(None), [0x88, 0]);
    assert_eq!(encoded(Some(&frame(1000, ""))), [0x88, 2, 3, 0xe8]);
    assert_eq!(encoded(Some(&frame(4001, "no"))), [0x88, 4, 0x0f, 0xa1, b'n', b'o']);
    assert_eq!(encoded(Some(&frame(1006, "gone"))), [0x88, 0]);
}

#[test]
fn long_reasons_are_cut_between_characters() {
    for start in 0..4 {
        for unit in ["a", "é", "€", "𝄞"] {
            let reason = "x".repeat(start) + &unit.repeat(130);
            let sent = encoded(Some(&frame(1000, &reason)));
            assert!(sent.len() <= 127 && sent.len() > 127 - unit.len());
            assert_eq!(usize::from(sent[1]), sent.len() - 2);
            let back = parse_close(&sent[2..]).unwrap().unwrap();
            assert!(reason.starts_with(back.reason.as_str()));
        }
    }
    let full = frame(1000, &"x".repeat(123));
    assert_eq!(parse_close(&encoded(Some(&full))[2..]).unwrap(), Some(full));
}

#[test]
fn codes_compare_and_display() {
    assert_eq!(CloseCode::NORMAL, 1000);
    assert_eq!(1000, CloseCode::NORMAL);
    assert!(CloseCode::NORMAL < CloseCode::TLS);
    assert_eq!(u16::from(CloseCode::from(4001)), 4001);
    assert_eq!(CloseCode::NORMAL.to_string(), "1000 normal closure");
    assert_eq!(CloseCode::new(4001).to_string(), "4001");
    assert_eq!(frame(1001, "bye").to_string(), "1001 going away: bye");
    assert_eq!(frame(1001, "").to_string(), "1001 going away");
}
