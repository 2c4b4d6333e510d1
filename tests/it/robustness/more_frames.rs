//! Much of what is allowed, and other odd things.

use super::{
    bytes::{BINARY, END, MIDDLE, PING, PONG, TEXT, TEXT_START, claim, close, frame, handshake},
    raw::Frame,
    server::{Bench, End},
};

/// A peer that sends pings and reads nothing: it is answered as far as it reads (RFC 6455 section 5.5.3 allows to answer
/// the latest only), and nothing else suffers.
#[tokio::test]
async fn a_flood_of_pings() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    for _ in 0..100 {
        raw.send(frame(PING, [b'p'; 125]).repeat(1000)).await;
    }
    bench.nobody_noticed("during the flood").await;
    raw.send(frame(TEXT, "still here")).await;
    let (mut pongs, mut heard) = (0, raw.frame().await);
    while heard.first == PONG {
        assert_eq!(heard.payload, [b'p'; 125]);
        pongs += 1;
        heard = raw.frame().await;
    }
    assert_eq!(heard, Frame { first: TEXT, payload: "still here".into() });
    assert!((1..=100_000).contains(&pongs), "{pongs}");
    raw.send(frame(PING, "again")).await;
    assert_eq!(raw.frame().await, Frame { first: PONG, payload: "again".into() });
    bench.nobody_noticed("after the flood").await;
}

#[tokio::test]
async fn a_flood_of_pongs_and_empty_messages() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    raw.send(frame(PONG, [b'p'; 125]).repeat(10_000)).await;
    raw.send(frame(PING, "")).await;
    assert_eq!(raw.frame().await, Frame { first: PONG, payload: vec![] });
    raw.send(frame(TEXT, "").repeat(1000)).await;
    for _ in 0..1000 {
        assert_eq!(raw.frame().await, Frame { first: TEXT, payload: vec![] });
    }
    bench.nobody_noticed("pongs").await;
}

#[tokio::test]
async fn pings_are_answered_with_their_payload() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    for payload in [&b""[..], b"x", &[0xff; 124], &[0; 125]] {
        raw.send(frame(PING, payload)).await;
        assert_eq!(raw.frame().await, Frame { first: PONG, payload: payload.into() });
        raw.trickle(&frame(PING, payload)).await;
        assert_eq!(raw.frame().await, Frame { first: PONG, payload: payload.into() });
    }
    bench.nobody_noticed("pings").await;
}

#[tokio::test]
async fn every_length_form_byte_by_byte() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    for len in [0, 1, 125, 126, 127, 300] {
        raw.trickle(&frame(BINARY, vec![9; len])).await;
        assert_eq!(raw.frame().await, Frame { first: BINARY, payload: vec![9; len] });
    }
    for len in [65_535, 65_536, 200_000] {
        let bytes = frame(BINARY, vec![9; len]);
        raw.trickle(&bytes[..20]).await;
        raw.send(&bytes[20..]).await;
        assert_eq!(raw.frame().await, Frame { first: BINARY, payload: vec![9; len] });
    }
    bench.nobody_noticed("lengths").await;
}

/// A masking key of zeros masks nothing and is a key all the same.
#[tokio::test]
async fn a_key_of_zeros() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    raw.send(b"\x81\x85\0\0\0\0hello").await;
    assert_eq!(raw.frame().await, Frame { first: TEXT, payload: "hello".into() });
    bench.nobody_noticed("a key of zeros").await;
}

#[tokio::test]
async fn too_many_fragments() {
    let mut bench = Bench::with(|limits| limits.max_fragments = 10).await;
    let ten = [frame(TEXT_START, "x"), frame(MIDDLE, "").repeat(9)].concat();
    bench.refuses("an eleventh", &[ten, claim(END, 0)].concat(), 1008).await;
    let mut raw = bench.open("/echo").await;
    raw.send([frame(TEXT_START, "x"), frame(MIDDLE, "").repeat(8), frame(END, "y")].concat()).await;
    assert_eq!(raw.frame().await.payload, b"xy");
    bench.nobody_noticed("ten fragments").await;
}

/// A peer that sends and does not read: its messages are not lost, and it is not waited for by others.
#[tokio::test]
async fn frames_that_are_not_read_for_a_while() {
    let mut bench = Bench::new().await;
    let mut raw = bench.open("/echo").await;
    let message = frame(BINARY, vec![3; 10_000]);
    for _ in 0..20 {
        raw.send(&message).await;
    }
    bench.nobody_noticed("a peer that does not read").await;
    for _ in 0..20 {
        assert_eq!(raw.frame().await.payload.len(), 10_000);
    }
    raw.send(close(1000, b"")).await;
    assert_eq!(raw.ended().await.close, Some(Some(1000)));
    assert_eq!(bench.end().await, End { messages: 20, disconnected: true, code: Some(1000) });
}

/// A bad frame in the very segment of the handshake.
#[tokio::test]
async fn a_bad_frame_behind_the_handshake() {
    let mut bench = Bench::new().await;
    for (name, bad, code) in [
        ("no mask", b"\x81\x05hello".to_vec(), 1002),
        ("not UTF-8", frame(TEXT, [0xff]), 1007),
        ("too long", claim(BINARY, 1 << 62), 1009),
        ("garbage", vec![0xff; 60_000], 1002),
    ] {
        let mut raw = bench.connect().await;
        raw.send([handshake("/echo"), bad].concat()).await;
        raw.switched().await;
        let ended = raw.ended().await;
        assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(code))), "{name}");
        assert_eq!(bench.end().await.messages, 0, "{name}");
        bench.nobody_noticed(name).await;
    }
}
