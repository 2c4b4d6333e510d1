//! Peers that take their time.

use std::time::{Duration, Instant};

use sockeye::prelude::*;
use tokio::{net::TcpSocket, time::sleep};

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

/// More than the kernel takes on its way.
const LARGE: usize = 20_000_000;

#[get("/large")]
async fn large() -> Vec<u8> {
    vec![b'x'; LARGE]
}

/// A small buffer on the client's side, so that what it does not read is soon in the server's way.
async fn ask(bench: &Bench) -> Raw {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(64 * 1024).expect("can't set SO_RCVBUF");
    let stream = socket.connect(bench.address).await.expect("can't connect");
    let mut raw = Raw { stream, read: Vec::new() };
    raw.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    raw
}

/// An HTTP client that does not read its answer holds its place for no longer than a socket would.
#[tokio::test]
async fn an_answer_that_nobody_reads() {
    let mut limits = Limits::default();
    (limits.stall_timeout, limits.max_connections) = (SHORT, 3);
    let mut bench = Bench::of(App::new().limits(limits).route(large)).await;
    let since = Instant::now();
    let mut raw = ask(&bench).await;
    // The only place is free.
    let mut next = bench.open("/echo").await;
    assert!(since.elapsed() >= SHORT, "closed after {:?}", since.elapsed());
    next.send(frame(TEXT, "served")).await;
    assert_eq!(next.frame().await.payload, b"served");
    // What had left by then comes, and the rest does not.
    let mut sink = Vec::new();
    drop(tokio::io::AsyncReadExt::read_to_end(&mut raw.stream, &mut sink).await);
    assert!((1_000..LARGE).contains(&sink.len()), "{} bytes", sink.len());
    bench.nobody_noticed("an unread answer").await;
}

/// One that reads a little now and then gets the whole of it.
#[tokio::test]
async fn an_answer_that_is_read_in_sips() {
    let mut limits = Limits::default();
    limits.stall_timeout = SHORT;
    let mut bench = Bench::of(App::new().limits(limits).route(large)).await;
    let mut raw = ask(&bench).await;
    let since = Instant::now();
    let (mut sip, mut taken) = (vec![0; 200_000], 0);
    while since.elapsed() < SHORT * 3 {
        sleep(STEP).await;
        taken += tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut sip).await.expect("cut off");
    }
    assert!(taken < LARGE, "too fast to show anything");
    assert!(taken + raw.rest().await.len() > LARGE);
    bench.nobody_noticed("sips").await;
}
