//! The closing handshake (RFC 6455 sections 5.5.1, 7.1 and 7.4).

use std::time::{Duration, Instant};

use super::{
    bytes::{BINARY, CLOSE, PING, TEXT, claim, close, frame},
    raw::Frame,
    server::{Bench, End},
};

#[tokio::test]
async fn payloads_that_are_no_close() {
    let mut bench = Bench::new().await;
    bench.refuses("one byte", &frame(CLOSE, [3]), 1002).await;
    bench.refuses("the header of one byte", &claim(CLOSE, 1), 1002).await;
    for code in [
        0, 1, 2, 255, 500, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1099, 1100, 1500, 1999, 2000, 2500, 2998, 2999,
        5000, 5001, 9999, 10_000, 32_768, 65_535,
    ] {
        bench.refuses(&format!("code {code}"), &close(code, b""), 1002).await;
        bench.refuses(&format!("code {code} with a reason"), &close(code, b"why"), 1002).await;
    }
}

#[tokio::test]
async fn the_same_code_comes_back() {
    let mut bench = Bench::new().await;
    let codes = (1000..=1003).chain(1007..=1014).chain([3000, 3001, 3500, 3999, 4000, 4001, 4500, 4998, 4999]);
    for code in codes {
        for reason in [&b""[..], "gr\u{fc}n".as_bytes(), &[b'x'; 123]] {
            let mut raw = bench.open("/echo").await;
            raw.send(close(code, reason)).await;
            let ended = raw.ended().await;
            assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(code))));
            assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: Some(code) });
            bench.nobody_noticed("a good code").await;
        }
    }
    // No code, no code back.
    let mut raw = bench.open("/echo").await;
    raw.send(frame(CLOSE, "")).await;
    assert_eq!(raw.ended().await.close, Some(None));
}

/// RFC 6455 section 1.4: whatever comes after a close frame is ignored.
#[tokio::test]
async fn bytes_behind_the_close_frame() {
    let mut bench = Bench::new().await;
    for (name, behind) in [
        ("a text", frame(TEXT, "late")),
        ("a ping", frame(PING, "late")),
        ("another close frame", close(4000, b"")),
        ("a broken frame", claim(0xff, 5)),
        ("garbage", vec![0xee; 5000]),
        ("60 KiB", vec![0; 60 << 10]),
        ("a request", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    ] {
        for at_once in [true, false] {
            let mut raw = bench.open("/echo").await;
            if at_once {
                raw.send([close(1000, b""), behind.clone()].concat()).await;
            } else {
                raw.send(close(1000, b"")).await;
                raw.try_send(&behind).await;
            }
            let ended = raw.ended().await;
            assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(1000))), "{name}");
            assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: Some(1000) }, "{name}");
            bench.nobody_noticed(name).await;
        }
    }
}

/// Nor is all of it read: the close frame arrives, and the rest is the peer's loss.
#[tokio::test]
async fn ten_megabytes_behind_the_close_frame() {
    const SOME: usize = 1_000;
    let mut bench = Bench::new().await;
    let mut pipe = bench.pipe(4096).open("/echo").await;
    pipe.send(&close(1000, b"")).await;
    let mut sent = 0;
    while sent < 10_000_000 && pipe.send(&[0x82; SOME]).await {
        sent += SOME;
    }
    assert!(sent < 2 * (64 << 10) + 4096 + SOME, "{sent} bytes were taken");
    let ended = pipe.ended().await;
    assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(1000))));
    assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: Some(1000) });
    bench.nobody_noticed("10 MB in memory").await;

    let mut raw = bench.open("/echo").await;
    raw.try_send([close(4000, b""), vec![0x82; 10_000_000]].concat()).await;
    let heard = raw.frame().await;
    assert_eq!((heard.first, heard.payload), (CLOSE, 4000u16.to_be_bytes().into()));
    assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: Some(4000) });
    bench.nobody_noticed("10 MB over TCP").await;
}

const SHORT: Duration = Duration::from_millis(300);

/// We close, the peer never answers: the stream ends all the same, and its place is free again.
#[tokio::test]
async fn a_close_frame_that_is_not_answered() {
    let mut bench = Bench::with(|limits| {
        limits.close_timeout = SHORT;
        limits.max_connections = 3;
    })
    .await;
    for (name, instead) in [
        ("silence", vec![]),
        ("a text", frame(TEXT, "still here")),
        ("pings", frame(PING, "still here").repeat(20)),
        ("half a frame", claim(BINARY, 100)),
    ] {
        let mut raw = bench.open("/bye").await;
        let since = Instant::now();
        raw.send(frame(TEXT, "go")).await;
        assert_eq!(raw.frame().await, Frame { first: CLOSE, payload: 1001u16.to_be_bytes().into() }, "{name}");
        raw.try_send(&instead).await;
        assert_eq!(raw.rest().await, b"", "{name}");
        assert!(since.elapsed() >= SHORT, "{name}: closed too early");
        let end = bench.end().await;
        assert_eq!((end.disconnected, end.code), (true, None), "{name}");
        // The client holds its side open, and yet the only place is free.
        let mut next = bench.open("/good").await;
        next.send(frame(TEXT, "served")).await;
        assert_eq!(next.frame().await.payload, b"served", "{name}");
        drop((raw, next));
        bench.nobody_noticed(name).await;
    }
}

/// We close, the peer answers: the server ends the stream at once (section 7.1.1), whatever it was sending before.
#[tokio::test]
async fn a_close_frame_that_is_answered() {
    let mut bench = Bench::with(|limits| limits.close_timeout = Duration::from_secs(600)).await;
    for (name, before) in [
        ("at once", vec![]),
        ("after a text", frame(TEXT, "late")),
        ("after 100 texts", frame(TEXT, "late").repeat(100)),
    ] {
        let mut raw = bench.open("/bye").await;
        raw.send(frame(TEXT, "go")).await;
        assert_eq!(raw.frame().await.first, CLOSE, "{name}");
        raw.send([before, close(1001, b"")].concat()).await;
        assert_eq!(raw.rest().await, b"", "{name}");
        let end = bench.end().await;
        assert_eq!((end.disconnected, end.code), (true, Some(1001)), "{name}");
        bench.nobody_noticed(name).await;
    }
    // A broken answer does not make a second close frame.
    let mut raw = bench.open("/bye").await;
    raw.send(frame(TEXT, "go")).await;
    assert_eq!(raw.frame().await.first, CLOSE);
    raw.send(claim(0xff, 5)).await;
    assert_eq!(raw.rest().await, b"");
    bench.nobody_noticed("a broken answer").await;
}
