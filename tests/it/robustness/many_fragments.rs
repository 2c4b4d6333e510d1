//! Messages in very many frames, and in frames that come very slowly.

use std::time::Duration;

use tokio::time::{Instant, pause, resume, sleep};

use super::{
    bytes::{BINARY_START, END, MIDDLE, PING, PONG, TEXT, TEXT_START, claim, frame},
    raw::Frame,
    server::{Bench, End},
};

#[tokio::test]
async fn fragments_of_64_bytes_are_put_together() {
    let mut bench = Bench::with(|limits| limits.max_message = 8 << 20).await;
    // Characters of three bytes, which the frames cut.
    let text = "語".repeat(65_536 * 64 / 3 + 1);
    let text = &text[..65_536 * 64 / 3 * 3];
    let text = format!("{text}!");
    let mut parts = text.as_bytes().chunks(64);
    let mut bytes = frame(TEXT_START, parts.next().unwrap_or_default());
    parts.for_each(|part| bytes.extend(frame(MIDDLE, part)));
    let last = bytes.len() - 64 - 6;
    bytes[last] = END;
    assert_eq!(bytes.len(), 65_536 * (64 + 6));
    let mut raw = bench.open("/echo").await;
    raw.send(&bytes).await;
    let echo = raw.frame().await;
    assert!(echo == Frame { first: TEXT, payload: text.into() }, "{} bytes", echo.payload.len());
    raw.finish().await;
    assert_eq!(bench.end().await, End { messages: 1, disconnected: true, code: None });
    bench.nobody_noticed("65,536 fragments").await;
}

/// The 131,073rd is refused, and what comes behind it is not even read: the work for a peer has an end.
#[tokio::test]
async fn ten_million_empty_fragments() {
    const LIMIT: usize = 131_072;
    const SOME: usize = 1_000;
    let mut bench = Bench::new().await;
    let some = frame(MIDDLE, "").repeat(SOME);
    let size = some.len() / SOME;
    let mut pipe = bench.pipe(4096).open("/echo").await;
    pipe.send(&frame(BINARY_START, "")).await;
    let mut sent = 0;
    while sent < 10_000_000 && pipe.send(&some).await {
        sent += SOME;
    }
    // The limit, what is thrown away behind the close frame, what was on its way.
    let most = LIMIT + (64 << 10) / size + (64 << 10) / size + 2 * SOME;
    assert!((LIMIT - SOME..most).contains(&sent), "{sent} were taken");
    let ended = pipe.ended().await;
    assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(1008))));
    assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None });
    bench.nobody_noticed("ten million fragments").await;

    // Up to the limit, over a network, with pings between, which do not count.
    for (more, code) in [(0, None), (1, Some(Some(1008)))] {
        let mut raw = bench.open("/echo").await;
        raw.send(frame(BINARY_START, "")).await;
        raw.send(frame(MIDDLE, "").repeat(LIMIT / 2)).await;
        raw.send(frame(PING, "").repeat(1000)).await;
        raw.send(frame(MIDDLE, "").repeat(LIMIT / 2 - 2)).await;
        raw.send(frame(MIDDLE, "").repeat(more)).await;
        raw.try_send(frame(END, "")).await;
        raw.finish().await;
        let ended = raw.ended().await;
        assert_eq!(ended.close, code);
        let pongs = ended.frames.iter().filter(|frame| frame.first == PONG).count();
        assert_eq!((pongs, ended.frames.len()), (1000, 1001 - more));
        assert_eq!(bench.end().await.messages, 1 - more);
    }
    bench.nobody_noticed("131,072 fragments").await;
}

/// Frames do not buy time: a message has 30 s from its first byte to its last.
#[tokio::test]
async fn a_fragment_a_second_for_ever() {
    let mut bench = Bench::with(|limits| limits.ping_interval = None).await;
    for (name, start, drop) in [
        ("empty fragments", frame(TEXT_START, ""), frame(MIDDLE, "")),
        ("fragments of a byte", frame(TEXT_START, "x"), frame(MIDDLE, "x")),
        ("fragments and pings", frame(BINARY_START, "x"), [frame(MIDDLE, "x"), frame(PING, "")].concat()),
        ("a byte of a payload", claim(0x82, 100_000), vec![7]),
    ] {
        let mut pipe = bench.pipe(4096).open("/echo").await;
        // Without a network nobody is waited for but the clock.
        pause();
        let begun = Instant::now();
        pipe.send(&start).await;
        while begun.elapsed() < Duration::from_secs(600) {
            sleep(Duration::from_secs(1)).await;
            if !pipe.send(&drop).await {
                break;
            }
        }
        let taken = begun.elapsed();
        resume();
        let ended = pipe.ended().await;
        assert_eq!(ended.close, Some(Some(1008)), "{name}");
        assert!((Duration::from_secs(30)..Duration::from_secs(33)).contains(&taken), "{name}: {taken:?}");
        assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: None }, "{name}");
        bench.nobody_noticed(name).await;
    }
}
