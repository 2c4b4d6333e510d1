//! Messages in several frames (RFC 6455 section 5.4).

use super::{
    bytes::{BINARY, BINARY_START, CLOSE, END, MIDDLE, PING, PONG, TEXT, TEXT_START, claim, close, frame},
    raw::Frame,
    server::{Bench, End},
};

#[tokio::test]
async fn a_new_message_inside_a_fragmented_one() {
    let mut bench = Bench::new().await;
    for start in [TEXT_START, BINARY_START] {
        for next in [TEXT, BINARY, TEXT_START, BINARY_START] {
            let bytes = [frame(start, "a"), claim(next, 10)].concat();
            bench.refuses(&format!("{start:#x} {next:#x}"), &bytes, 1002).await;
            let bytes = [frame(start, ""), frame(MIDDLE, "b"), claim(next, 10)].concat();
            bench.refuses(&format!("{start:#x} continued {next:#x}"), &bytes, 1002).await;
        }
    }
}

#[tokio::test]
async fn control_frames_between_fragments() {
    let mut bench = Bench::new().await;
    let all = [
        frame(TEXT_START, "he"),
        frame(PING, "1"),
        frame(MIDDLE, ""),
        frame(PONG, "unasked"),
        frame(MIDDLE, "ll"),
        frame(PING, "2"),
        frame(END, "o"),
        close(1000, b""),
    ]
    .concat();
    let expected =
        [(PONG, "1"), (PONG, "2"), (TEXT, "hello")].map(|(first, text)| Frame { first, payload: text.into() });
    for one_by_one in [false, true] {
        let mut raw = bench.open("/echo").await;
        match one_by_one {
            false => raw.send(&all).await,
            true => raw.trickle(&all).await,
        }
        let ended = raw.ended().await;
        assert_eq!(ended.frames, expected);
        assert_eq!(ended.close, Some(Some(1000)));
        assert_eq!(bench.end().await, End { messages: 1, disconnected: true, code: Some(1000) });
        bench.nobody_noticed("control frames between fragments").await;
    }
}

#[tokio::test]
async fn a_close_frame_inside_a_fragmented_message() {
    let mut bench = Bench::new().await;
    for bytes in [
        [frame(TEXT_START, "never ended"), close(4000, b"enough")].concat(),
        [frame(BINARY_START, ""), frame(MIDDLE, "x"), close(4000, b""), frame(END, "y")].concat(),
    ] {
        let mut raw = bench.open("/echo").await;
        raw.send(bytes).await;
        let ended = raw.ended().await;
        assert_eq!((ended.frames.len(), ended.close), (0, Some(Some(4000))));
        assert_eq!(bench.end().await, End { messages: 0, disconnected: true, code: Some(4000) });
        bench.nobody_noticed("a close frame inside a message").await;
    }
}

/// The strict answer: what was right is dealt with before what is wrong.
#[tokio::test]
async fn good_frames_before_a_bad_one() {
    let mut bench = Bench::new().await;
    let good = [frame(TEXT, "good"), frame(PING, "p"), frame(BINARY, [1]), frame(BINARY, vec![7; 70_000])].concat();
    for (name, bad, code) in [
        ("a reserved bit", claim(0xc1, 5), 1002),
        ("a reserved opcode", claim(0x83, 5), 1002),
        ("no mask", vec![0x81, 0x05], 1002),
        ("too long", claim(BINARY, 1 << 62), 1009),
        ("not UTF-8", frame(TEXT, [0xff]), 1007),
        ("half a close code", frame(CLOSE, "x"), 1002),
    ] {
        let mut raw = bench.open("/echo").await;
        raw.send([good.clone(), bad].concat()).await;
        let ended = raw.ended().await;
        assert_eq!(ended.close, Some(Some(code)), "{name}");
        let firsts: Vec<_> = ended.frames.iter().map(|frame| frame.first).collect();
        let pongs = firsts.iter().filter(|first| **first == PONG).count();
        assert_eq!((pongs, firsts.len()), (1, 4), "{name}: {firsts:x?}");
        assert_eq!(bench.end().await, End { messages: 3, disconnected: true, code: None }, "{name}");
        bench.nobody_noticed(name).await;
    }
}
