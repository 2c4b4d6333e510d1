//! Peers that take their time.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{
    bytes::{BINARY, MIDDLE, TEXT, TEXT_START, claim, frame, handshake, masked},
    raw::Raw,
    server::{Bench, End},
};

const SHORT: Duration = Duration::from_millis(400);
/// As good as never.
const LONG: Duration = Duration::from_secs(600);
/// Between two bytes of a slow peer.
const STEP: Duration = Duration::from_millis(20);

/// The stream ends, but not before its time.
async fn ends_after(raw: &mut Raw, since: Instant, name: &str) {
    let rest = raw.rest().await;
    assert!(since.elapsed() >= SHORT, "{name}: closed after {:?}", since.elapsed());
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "), "{name}: {:?}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn connect_and_say_nothing() {
    let mut bench = Bench::with(|limits| (limits.first_byte_timeout, limits.head_timeout) = (SHORT, LONG)).await;
    let since = Instant::now();
    let mut raw = bench.connect().await;
    ends_after(&mut raw, since, "silence").await;
    assert_eq!(bench.calls(), 0);
    bench.nobody_noticed("silence").await;
}

#[tokio::test]
async fn a_head_that_does_not_end() {
    let mut bench = Bench::with(|limits| (limits.first_byte_timeout, limits.head_timeout) = (LONG, SHORT)).await;
    let whole = handshake("/echo");
    let refused = b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n".to_vec();
    for (name, bytes) in [
        ("one byte", b"G".to_vec()),
        ("half a request line", b"GET /ec".to_vec()),
        ("blank lines", b"\r\n\r\n".to_vec()),
        ("half a header", b"GET /echo HTTP/1.1\r\nHo".to_vec()),
        ("all but one byte", whole[..whole.len() - 1].to_vec()),
    ] {
        let since = Instant::now();
        let mut raw = bench.connect().await;
        raw.send(&bytes).await;
        ends_after(&mut raw, since, name).await;
        assert_eq!(bench.calls(), 0, "{name}");
        bench.nobody_noticed(name).await;
    }
    // The same in a second request.
    let mut raw = bench.connect().await;
    raw.send(&refused).await;
    assert_eq!(raw.answer().await.status, 426);
    let since = Instant::now();
    raw.send(b"GET /ec").await;
    let rest = raw.rest().await;
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "));
    assert!(since.elapsed() < LONG);
    bench.nobody_noticed("half a second request").await;
}

/// Bytes that come one by one do not buy more time.
#[tokio::test]
async fn a_head_in_drops() {
    let mut bench = Bench::with(|limits| (limits.first_byte_timeout, limits.head_timeout) = (LONG, SHORT)).await;
    let mut raw = bench.connect().await;
    let since = Instant::now();
    raw.send(b"GET /echo HTTP/1.1\r\nX: ").await;
    let drips = async {
        // Ends with the connection.
        while tokio::io::AsyncWriteExt::write_all(&mut raw.stream, b"x").await.is_ok() {
            sleep(STEP).await;
        }
    };
    super::raw::soon("the end of a head in drops", drips).await;
    assert!(since.elapsed() >= SHORT);
    assert_eq!(bench.calls(), 0);
    bench.nobody_noticed("drops").await;
}

/// A message has its time from the first byte to the last, however it is cut: 1008.
#[tokio::test]
async fn a_message_that_does_not_end() {
    let mut bench = Bench::with(|limits| limits.message_timeout = SHORT).await;
    for (name, bytes) in [
        ("half a header", vec![BINARY]),
        ("a claim", claim(BINARY, 100)),
        ("half a payload", [claim(TEXT, 100), masked(b"half")].concat()),
        ("half a ping", claim(0x89, 100)),
        ("a fragment", frame(TEXT_START, "x")),
    ] {
        let mut raw = bench.open("/echo").await;
        let since = Instant::now();
        raw.send(&bytes).await;
        let ended = raw.ended().await;
        assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(1008))), "{name}");
        assert!(since.elapsed() >= SHORT, "{name}");
        assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None }, "{name}");
        bench.nobody_noticed(name).await;
    }
}

#[tokio::test]
async fn a_message_in_drops() {
    let mut bench = Bench::with(|limits| limits.message_timeout = SHORT).await;
    let fragment = frame(MIDDLE, "");
    for (name, start, drop) in
        [("a payload", claim(BINARY, 100_000), &b"x"[..]), ("fragments", frame(TEXT_START, "x"), &fragment)]
    {
        let mut raw = bench.open("/echo").await;
        raw.send(&start).await;
        let since = Instant::now();
        let ended = loop {
            tokio::select! {
                // The server has had enough.
                ended = raw.ended() => break ended,
                // Time for the next drop.
                () = sleep(STEP) => {}
            }
            raw.try_send(drop).await;
        };
        assert_eq!(ended.close, Some(Some(1008)), "{name}");
        assert!(since.elapsed() < LONG, "{name}");
        assert_eq!(bench.end().await.messages, 0, "{name}");
        bench.nobody_noticed(name).await;
    }
}
