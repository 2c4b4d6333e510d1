//! As much of RFC 6455 as a client needs that knows what comes back.

/// What changes every byte of a payload: which key it is makes no difference in time.
const KEY: [u8; 4] = [0x3b, 0xa1, 0x5c, 0xf7];
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const MASKED: u8 = 0x80;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
}

/// A frame as a client sends it.
pub fn masked(op: Op, compressed: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(op, compressed, payload.len(), MASKED);
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// The same as a server sends it.
pub fn plain(op: Op, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(op, false, payload.len(), 0);
    frame.extend(payload);
    frame
}

fn header(op: Op, compressed: bool, len: usize, mask_bit: u8) -> Vec<u8> {
    let mut header = vec![FIN | if compressed { RSV1 } else { 0 } | op as u8];
    match len {
        0..=125 => header.push(mask_bit | len as u8),
        126..=0xffff => {
            header.push(mask_bit | 126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask_bit | 127);
            header.extend((len as u64).to_be_bytes());
        }
    }
    header
}

/// A payload of `size` bytes. Text is mostly ASCII, with something longer in each line, as text is.
pub fn payload(op: Op, size: usize) -> Vec<u8> {
    const LINE: &str = "the quick brown fox jumps over the lazy dog, señor · 0123456789 {\"id\":17}\n";
    let mut payload: Vec<u8> = match op {
        Op::Text => LINE.bytes().cycle().take(size).collect(),
        _ => (0..=u8::MAX).cycle().take(size).collect(),
    };
    // What the end cuts in two becomes spaces.
    if op == Op::Text {
        let valid = payload.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
        payload[valid..].fill(b' ');
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_rfc() {
        assert_eq!(plain(Op::Text, b"Hello"), b"\x81\x05Hello");
        assert_eq!(plain(Op::Binary, &[0; 256])[..4], [0x82, 126, 1, 0]);
        assert_eq!(plain(Op::Binary, &[0; 65536])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(masked(Op::Close, false, b""), b"\x88\x80\x3b\xa1\x5c\xf7");
        assert_eq!(masked(Op::Text, true, b"\x3b")[..], *b"\xc1\x81\x3b\xa1\x5c\xf7\0");
    }

    #[test]
    fn text_is_text() {
        for size in 0..300 {
            let text = payload(Op::Text, size);
            assert_eq!(text.len(), size);
            assert!(str::from_utf8(&text).is_ok());
        }
        assert!(!payload(Op::Text, 300).is_ascii());
    }
}
