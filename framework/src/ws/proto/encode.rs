//! Frames of the server, which are never masked (RFC 6455 §5.1, §5.2).

/// What a frame carries. Close frames have [`encode_close`](super::encode_close).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Text = 0x1,
    Binary = 0x2,
    Ping = 0x9,
    Pong = 0xa,
}

/// The longest payload whose length fits into the second byte.
const MAX_SHORT: usize = 125;

/// The first byte of a frame that is a whole message.
fn first(op: Op, rsv1: bool) -> u8 {
    0x80 | u8::from(rsv1) << 6 | op as u8
}

/// The header of a frame that is a whole message of `len` bytes, and how many of the ten bytes it takes.
pub(crate) fn header(op: Op, rsv1: bool, len: usize) -> ([u8; 10], usize) {
    let mut header = [0; 10];
    header[0] = first(op, rsv1);
    // The shortest of the three forms (§5.2).
    let size = match len {
        0..=MAX_SHORT => {
            header[1] = len as u8;
            2
        }
        126..=0xffff => {
            header[1] = 126;
            header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    (header, size)
}

/// Appends a frame that is a whole message.
#[inline]
pub(crate) fn put_frame(out: &mut Vec<u8>, op: Op, rsv1: bool, payload: &[u8]) {
    if payload.len() > MAX_SHORT {
        return put_long(out, op, rsv1, payload);
    }
    out.reserve(2 + payload.len());
    out.extend_from_slice(&[first(op, rsv1), payload.len() as u8]);
    out.extend_from_slice(payload);
}

#[inline(never)]
fn put_long(out: &mut Vec<u8>, op: Op, rsv1: bool, payload: &[u8]) {
    let (header, size) = header(op, rsv1, payload.len());
    out.reserve(size + payload.len());
    out.extend_from_slice(&header[..size]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        let of = |len| {
            let (header, size) = header(Op::Binary, false, len);
            header[..size].to_vec()
        };
        assert_eq!(of(0), [0x82, 0]);
        assert_eq!(of(125), [0x82, 125]);
        assert_eq!(of(126), [0x82, 126, 0, 126]);
        assert_eq!(of(0xffff), [0x82, 126, 0xff, 0xff]);
        assert_eq!(of(0x1_0000), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn rsv1_marks_a_compressed_message() {
        assert_eq!(header(Op::Text, true, 1).0[..2], [0xc1, 1]);
    }

    #[test]
    fn the_examples_of_the_rfc() {
        // §5.7.
        let mut out = Vec::new();
        put_frame(&mut out, Op::Text, false, b"Hello");
        put_frame(&mut out, Op::Ping, false, b"Hello");
        put_frame(&mut out, Op::Pong, false, b"");
        assert_eq!(out, b"\x81\x05Hello\x89\x05Hello\x8a\x00");
    }
}
