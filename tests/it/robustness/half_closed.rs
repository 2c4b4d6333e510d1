//! A client that closes its side and goes on reading: what it said before is received and answered.

use super::{
    bytes::{BINARY, PING, PONG, TEXT, TEXT_START, claim, frame, handshake},
    raw::Frame,
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
