//! Frames that are wrong at their header (RFC 6455 section 5.2).

use super::{
    bytes::{BINARY, CLOSE, END, MIDDLE, PING, PONG, TEXT, claim, frame, header},
    server::Bench,
};

#[tokio::test]
async fn unmasked() {
    let mut bench = Bench::new().await;
    for (name, bytes) in [
        ("a text", &b"\x81\x05hello"[..]),
        ("an empty text", b"\x81\x00"),
        ("a binary", b"\x82\x01x"),
        ("a ping", b"\x89\x00"),
        ("a pong", b"\x8a\x00"),
        ("a close frame", b"\x88\x02\x03\xe8"),
        ("the header alone", b"\x82\x7d"),
        ("a long one", b"\x82\x7e"),
    ] {
        // RFC 6455 section 5.1.
        bench.refuses(name, bytes, 1002).await;
    }
}

#[tokio::test]
async fn reserved_bits_without_an_extension() {
    let mut bench = Bench::new().await;
    for bits in 1..8u8 {
        for first in [TEXT, BINARY, PING, PONG, CLOSE, 0x01, 0x02] {
            let first = first | bits << 4;
            bench.refuses(&format!("{first:#x}"), &claim(first, 100), 1002).await;
        }
    }
}

#[tokio::test]
async fn reserved_opcodes() {
    let mut bench = Bench::new().await;
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        bench.refuses(&format!("opcode {opcode:#x}"), &claim(0x80 | opcode, 5), 1002).await;
        bench.refuses(&format!("opcode {opcode:#x}, fragmented"), &claim(opcode, 5), 1002).await;
        bench.refuses(&format!("opcode {opcode:#x}, empty"), &claim(0x80 | opcode, 0), 1002).await;
    }
}

/// RFC 6455 section 5.5. The verdict comes with the header: the payload is not awaited.
#[tokio::test]
async fn control_frames_that_are_fragmented_or_long() {
    let mut bench = Bench::new().await;
    for first in [CLOSE, PING, PONG] {
        bench.refuses(&format!("{first:#x} fragmented"), &claim(first & 0x7f, 10), 1002).await;
        bench.refuses(&format!("{first:#x} fragmented, empty"), &claim(first & 0x7f, 0), 1002).await;
        bench.refuses(&format!("{first:#x} of 126 bytes"), &claim(first, 126), 1002).await;
        bench.refuses(&format!("{first:#x} of 70,000 bytes"), &claim(first, 70_000), 1002).await;
        bench.refuses(&format!("{first:#x} of 2^62 bytes"), &claim(first, 1 << 62), 1002).await;
        let padded = header(first, 126, &[0, 5]);
        bench.refuses(&format!("{first:#x} with a padded length"), &padded, 1002).await;
    }
}

#[tokio::test]
async fn lengths_that_are_no_lengths() {
    let mut bench = Bench::new().await;
    for first in [TEXT, BINARY, 0x01, 0x02] {
        for (name, bytes) in [
            ("the top bit", header(first, 127, &(1u64 << 63).to_be_bytes())),
            ("the top bit and more", header(first, 127, &(1u64 << 63 | 5).to_be_bytes())),
            ("all bits", header(first, 127, &u64::MAX.to_be_bytes())),
            ("0 in two bytes", header(first, 126, &0u16.to_be_bytes())),
            ("125 in two bytes", header(first, 126, &125u16.to_be_bytes())),
            ("0 in eight bytes", header(first, 127, &0u64.to_be_bytes())),
            ("125 in eight bytes", header(first, 127, &125u64.to_be_bytes())),
            ("126 in eight bytes", header(first, 127, &126u64.to_be_bytes())),
            ("65,535 in eight bytes", header(first, 127, &0xffff_u64.to_be_bytes())),
        ] {
            bench.refuses(&format!("{first:#x}: {name}"), &bytes, 1002).await;
        }
    }
}

#[tokio::test]
async fn continuations_of_nothing() {
    let mut bench = Bench::new().await;
    for (name, bytes) in [
        ("an end", frame(END, "x")),
        ("a middle", frame(MIDDLE, "x")),
        ("an empty end", frame(END, "")),
        ("the header of one", claim(END, 100)),
        ("after a ping", [frame(PONG, "x"), claim(END, 100)].concat()),
    ] {
        bench.refuses(name, &bytes, 1002).await;
    }
}
