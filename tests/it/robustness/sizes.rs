//! Frames and messages over their limits, and what a claim costs.

use sockeye::Limits;

use super::{
    bytes::{BINARY, BINARY_START, END, MIDDLE, TEXT, TEXT_START, claim, frame, masked},
    raw::Frame,
    server::{Bench, End},
};
use crate::memory::{alone, most, watch};

#[test]
fn defaults() {
    let limits = Limits::default();
    assert_eq!((limits.max_message, limits.max_frame), (1 << 20, 1 << 20));
    assert_eq!(limits.max_fragments, 131_072);
    let seconds = [
        limits.first_byte_timeout,
        limits.head_timeout,
        limits.close_timeout,
        limits.message_timeout,
        limits.stall_timeout,
        limits.pong_timeout,
        limits.ping_interval.unwrap_or_default(),
        limits.drain_timeout,
    ]
    .map(|duration| duration.as_secs_f64());
    assert_eq!(seconds, [5.0, 10.0, 5.0, 30.0, 10.0, 20.0, 20.0, 30.0]);
    assert_eq!((limits.outbox_bytes, limits.outbox_messages, limits.inbox_messages), (256 << 10, 1024, 16));
    assert_eq!((limits.max_header_bytes, limits.max_headers), (64 << 10, 128));
    assert_eq!((limits.max_path, limits.max_query_params), (8 << 10, 1000));
}

/// The verdict comes with the header.
#[tokio::test]
async fn claims_over_the_default_limit() {
    let mut bench = Bench::new().await;
    for first in [TEXT, BINARY, TEXT_START, BINARY_START] {
        for len in [(1 << 20) + 1, 1 << 31, 1 << 32, 1 << 62, (1 << 63) - 1] {
            bench.refuses(&format!("{first:#x} of {len} bytes"), &claim(first, len), 1009).await;
        }
    }
    let begun = [frame(BINARY_START, vec![1; 1 << 20]), frame(MIDDLE, ""), claim(END, 1)].concat();
    let mut raw = bench.open("/echo").await;
    raw.send(&begun).await;
    assert_eq!(raw.ended().await.close, Some(Some(1009)));
    let overflow = [frame(TEXT_START, "x"), claim(END, (1 << 63) - 1)].concat();
    bench.nobody_noticed("a message over its limit").await;
    assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None });
    bench.calls();
    bench.refuses("a sum over 2^63", &overflow, 1009).await;
}

#[tokio::test]
async fn limits_of_its_own() {
    let mut bench = Bench::with(|limits| (limits.max_message, limits.max_frame) = (1000, 100)).await;
    let hundred = "x".repeat(100);
    bench.refuses("a frame", &claim(BINARY, 101), 1009).await;
    bench.refuses("a first frame", &claim(TEXT_START, 101), 1009).await;
    bench.refuses("a second frame", &[frame(TEXT_START, "x"), claim(END, 101)].concat(), 1009).await;
    let ten = [frame(TEXT_START, &hundred), frame(MIDDLE, &hundred).repeat(9)].concat();
    bench.refuses("a message", &[ten.clone(), claim(END, 1)].concat(), 1009).await;
    // Exactly the limit is within it.
    let mut raw = bench.open("/echo").await;
    raw.send([ten, frame(END, "")].concat()).await;
    assert_eq!(raw.frame().await, Frame { first: TEXT, payload: hundred.repeat(10).into() });
    bench.nobody_noticed("a message of the limit").await;
}

#[tokio::test]
async fn a_message_of_exactly_the_default_limit() {
    let mut bench = Bench::new().await;
    let payload = vec![5; 1 << 20];
    let mut raw = bench.open("/echo").await;
    raw.send(frame(BINARY, &payload)).await;
    assert_eq!(raw.frame().await, Frame { first: BINARY, payload });
    bench.nobody_noticed("1 MiB").await;
}

/// Nothing is reserved for what is only claimed.
#[test]
fn a_claim_costs_nothing() {
    const HUGE: u64 = 1 << 40;
    alone(async {
        let mut bench = Bench::with(|limits| (limits.max_message, limits.max_frame) = (1 << 41, 1 << 41)).await;
        let mut open = Vec::new();
        for bytes in [
            claim(BINARY, HUGE),
            [claim(BINARY, HUGE), masked(b"a few bytes")].concat(),
            [claim(TEXT, HUGE), masked(&[b'x'; 20_000])].concat(),
            [frame(BINARY_START, "x"), claim(END, HUGE)].concat(),
        ] {
            let mut raw = bench.open("/echo").await;
            let before = watch();
            raw.send(&bytes).await;
            raw.finish().await;
            assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None });
            // The thread's buffer, and what has arrived, doubled while it moves.
            let grown = most() - before;
            assert!(grown < (64 << 10) + 4 * bytes.len() + 8192, "{grown} bytes for {}", bytes.len());
            open.push(raw);
        }
        bench.nobody_noticed("huge claims").await;
    });
}
