//! A client that closes its side and goes on reading: what it said before is received and answered.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    bytes::{BINARY, PING, PONG, TEXT, TEXT_START, claim, frame, handshake},
    raw::{Frame, soon},
    server::{Bench, End},
};

fn said(first: u8, text: &str) -> Frame {
    Frame { first, payload: text.into() }
}

#[tokio::test]
async fn what_was_said_before_is_answered() {
    let mut bench = Bench::new().await;
    let many = (0..100).map(|n| frame(TEXT, n.to_string())).collect::<Vec<_>>().concat();
    let large = "x".repeat(100_000);
    for (name, bytes, answers) in [
        ("nothing", vec![], vec![]),
        ("a text", frame(TEXT, "x"), vec![said(TEXT, "x")]),
        ("two", frame(TEXT, "x").repeat(2), vec![said(TEXT, "x"), said(TEXT, "x")]),
        ("more than the inbox takes", many, (0..100).map(|n| said(TEXT, &n.to_string())).collect()),
        ("a large one", frame(BINARY, &large), vec![said(BINARY, &large)]),
        ("a ping", frame(PING, "p"), vec![said(PONG, "p")]),
        ("a text and half of another", [frame(TEXT, "x"), claim(TEXT, 5)].concat(), vec![said(TEXT, "x")]),
        ("a text and a fragment", [frame(TEXT, "x"), frame(TEXT_START, "y")].concat(), vec![said(TEXT, "x")]),
    ] {
        let messages = answers.iter().filter(|answer| answer.first != PONG).count();
        // With the handshake in the same segment, behind it, and without a network.
        for way in 0..3 {
            let ended = match way {
                0 => {
                    let mut raw = bench.connect().await;
                    raw.send([handshake("/echo"), bytes.clone()].concat()).await;
                    raw.finish().await;
                    raw.switched().await;
                    raw.ended().await
                }
                1 => {
                    let mut raw = bench.open("/echo").await;
                    raw.send(&bytes).await;
                    raw.finish().await;
                    raw.ended().await
                }
                _ => {
                    let mut pipe = bench.pipe(1 << 20).open("/echo").await;
                    assert!(pipe.send(&bytes).await);
                    pipe.finish().await;
                    pipe.ended().await
                }
            };
            assert_eq!((ended.frames.len(), ended.close), (answers.len(), None), "{name}, way {way}");
            assert!(ended.frames == answers, "{name}, way {way}");
            assert_eq!(bench.end().await, End { messages, disconnected: true, code: None }, "{name}, way {way}");
            bench.nobody_noticed(name).await;
        }
    }
}

/// Behind a large message the server expects another, and reads its header first: what is there is received all the same.
#[tokio::test]
async fn what_follows_a_large_message_is_answered() {
    const LARGE: usize = 1 << 20;
    let mut bench = Bench::new().await;
    let large = frame(BINARY, vec![7; LARGE]);
    let half = "x".repeat(LARGE / 2);
    for (name, bytes, answers) in [
        ("nothing", vec![], vec![]),
        ("less than a header", frame(TEXT, "x"), vec![said(TEXT, "x")]),
        ("as much as a header", frame(TEXT, "12345678"), vec![said(TEXT, "12345678")]),
        ("two", frame(TEXT, "x").repeat(2), vec![said(TEXT, "x"), said(TEXT, "x")]),
        ("a text and a part of a header", [&frame(TEXT, "x"), &large[..7]].concat(), vec![said(TEXT, "x")]),
        ("a ping as long as a header", frame(PING, "12345678"), vec![said(PONG, "12345678")]),
        ("a header", large[..14].to_vec(), vec![]),
        ("another large one", frame(TEXT, &half), vec![said(TEXT, &half)]),
        ("half of one", large[..LARGE / 2].to_vec(), vec![]),
    ] {
        let messages = 1 + answers.iter().filter(|answer| answer.first != PONG).count();
        for piped in [false, true] {
            let ended = if piped {
                let mut pipe = bench.pipe(2 * LARGE).open("/echo").await;
                assert!(pipe.send(&large).await);
                skip(&mut pipe.stream, LARGE).await;
                assert!(pipe.send(&bytes).await);
                pipe.finish().await;
                pipe.ended().await
            } else {
                let mut raw = bench.open("/echo").await;
                raw.send(&large).await;
                skip(&mut raw.stream, LARGE).await;
                raw.send(&bytes).await;
                raw.finish().await;
                raw.ended().await
            };
            assert!(ended.frames == answers && ended.close.is_none(), "{name}, piped: {piped}");
            assert_eq!(bench.end().await, End { messages, disconnected: true, code: None }, "{name}, piped: {piped}");
            bench.nobody_noticed(name).await;
        }
    }
}

/// Reads an echo of `len` bytes.
async fn skip(stream: &mut (impl AsyncRead + Unpin), len: usize) {
    let mut echo = vec![0; 10 + len];
    soon("the echo", stream.read_exact(&mut echo)).await.expect("a whole echo");
}
