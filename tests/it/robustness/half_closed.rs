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
    let mut bench = Bench::new().await;
    let large = frame(BINARY, varied(LARGE));
    let next = varied(LARGE / 4 * 3);
    let said_next = Frame { first: BINARY, payload: next.clone() };
    let bad = [&[0xf2], &large[1..]].concat();
    for (name, bytes, answers, close) in [
        ("nothing", vec![], vec![], None),
        ("less than a header", frame(TEXT, "x"), vec![said(TEXT, "x")], None),
        ("as much as a header", frame(TEXT, "12345678"), vec![said(TEXT, "12345678")], None),
        ("two", frame(TEXT, "x").repeat(2), vec![said(TEXT, "x"), said(TEXT, "x")], None),
        ("a text and a part of a header", [&frame(TEXT, "x"), &large[..7]].concat(), vec![said(TEXT, "x")], None),
        ("a ping as long as a header", frame(PING, "12345678"), vec![said(PONG, "12345678")], None),
        ("a header", large[..14].to_vec(), vec![], None),
        ("another large one", frame(BINARY, &next), vec![said_next], None),
        ("half of one", large[..LARGE / 2].to_vec(), vec![], None),
        ("a bad header", bad[..14].to_vec(), vec![], Some(1002)),
        ("much behind a bad header", bad[..LARGE / 2].to_vec(), vec![], Some(1002)),
    ] {
        let messages = 1 + answers.iter().filter(|answer| answer.first != PONG).count();
        for piped in [false, true] {
            let ended = if piped {
                let mut pipe = bench.pipe(2 * LARGE).open("/echo").await;
                assert!(pipe.send(&large).await);
                expect_echo(&mut pipe.stream).await;
                assert!(pipe.send(&bytes).await);
                pipe.finish().await;
                pipe.ended().await
            } else {
                let mut raw = bench.open("/echo").await;
                raw.send(&large).await;
                expect_echo(&mut raw.stream).await;
                raw.send(&bytes).await;
                raw.finish().await;
                raw.ended().await
            };
            assert!(ended.frames == answers, "{name}, piped: {piped}");
            assert_eq!(ended.close, close.map(Some), "{name}, piped: {piped}");
            assert_eq!(bench.end().await.messages, messages, "{name}, piped: {piped}");
            bench.nobody_noticed(name).await;
        }
    }
}

/// The header comes, and later the rest.
#[tokio::test]
async fn a_header_ahead_of_its_large_message() {
    let bench = Bench::new().await;
    let mut pipe = bench.pipe(2 * LARGE).open("/echo").await;
    let large = frame(BINARY, varied(LARGE));
    for at in [0, 1, 13, 14, 15, 100] {
        assert!(pipe.send(&large[..at]).await);
        // The server has read that.
        tokio::task::yield_now().await;
        assert!(pipe.send(&large[at..]).await);
        expect_echo(&mut pipe.stream).await;
    }
}

/// More than one read takes.
const LARGE: usize = 400 << 10;

fn varied(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ at >> 8) as u8).collect()
}

async fn expect_echo(stream: &mut (impl AsyncRead + Unpin)) {
    let mut echo = vec![0; 10 + LARGE];
    soon("the echo", stream.read_exact(&mut echo)).await.expect("a whole echo");
    assert!(echo[10..] == varied(LARGE));
}
