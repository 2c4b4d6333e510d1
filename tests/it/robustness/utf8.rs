//! Text that is not UTF-8 (RFC 6455 section 8.1): refused at the first byte that shows it, before the frame or message ends.

use super::{
    bytes::{BINARY, CLOSE, END, MIDDLE, PING, TEXT, TEXT_START, claim, close, frame, masked},
    raw::Frame,
    server::Bench,
};

/// Each ends with the byte that can't be (RFC 3629 section 4).
const BAD: [&[u8]; 16] = [
    b"\x80",
    b"\xbf",
    b"good, then bad: \xff",
    b"\xfe",
    b"\xc0",
    b"\xc1",
    b"\xf5",
    b"\xc3\x28",
    b"\xe0\x80",
    b"\xe2\x82\x28",
    b"\xed\xa0",
    b"\xef\xbf\xc0",
    b"\xf0\x80",
    b"\xf0\x9f\x92\x28",
    b"\xf4\x90",
    b"caf\xc3\xa9\xc3\xc3",
];

#[tokio::test]
async fn at_the_bad_byte() {
    let mut bench = Bench::new().await;
    for bad in BAD {
        for first in [TEXT, TEXT_START] {
            for len in [bad.len() as u64, 100, 60_000] {
                // The rest of the frame is never sent.
                let bytes = [claim(first, len), masked(bad)].concat();
                bench.refuses(&format!("{bad:x?} in {len} bytes"), &bytes, 1007).await;
            }
        }
    }
}

#[tokio::test]
async fn over_fragments() {
    let mut bench = Bench::new().await;
    for bad in BAD {
        for cut in 0..bad.len() {
            let (one, two) = bad.split_at(cut);
            let bytes = [frame(TEXT_START, one), frame(PING, ""), claim(MIDDLE, 100), masked(two)].concat();
            let mut raw = bench.open("/echo").await;
            raw.send(&bytes).await;
            let ended = raw.ended().await;
            assert_eq!(ended.close, Some(Some(1007)), "{one:x?} {two:x?}");
            assert_eq!(bench.end().await.messages, 0);
            bench.nobody_noticed("bad text over fragments").await;
        }
    }
}

#[tokio::test]
async fn truncated_at_the_end() {
    let mut bench = Bench::new().await;
    for cut in [&b"\xc3"[..], b"\xe2\x82", b"\xe2", b"\xf0\x9f\x92", b"caf\xc3"] {
        bench.refuses("in one frame", &frame(TEXT, cut), 1007).await;
        bench.refuses("in two", &[frame(TEXT_START, "x"), frame(END, cut)].concat(), 1007).await;
        bench.refuses("before an empty end", &[frame(TEXT_START, cut), frame(END, "")].concat(), 1007).await;
    }
}

#[tokio::test]
async fn in_a_close_reason() {
    let mut bench = Bench::new().await;
    for bad in BAD.into_iter().chain([&b"caf\xc3"[..], b"\xf0\x9f\x92"]) {
        bench.refuses(&format!("{bad:x?}"), &close(1000, bad), 1007).await;
    }
    // The reason does not count where the code is wrong.
    let mut raw = bench.open("/echo").await;
    raw.send(frame(CLOSE, [0x03, 0xec, 0xff])).await;
    let close = raw.ended().await.close;
    assert!([Some(Some(1002)), Some(Some(1007))].contains(&close), "{close:?}");
}

#[tokio::test]
async fn good_text_cut_anywhere() {
    let mut bench = Bench::new().await;
    let text = "κόσμε \u{0} \u{7f} \u{7ff} \u{ffff} \u{fdd0} 𝄞 \u{10ffff} \u{feff}";
    let bytes = text.as_bytes();
    let mut raw = bench.open("/echo").await;
    for cut in 0..=bytes.len() {
        raw.send([frame(TEXT_START, &bytes[..cut]), frame(MIDDLE, ""), frame(END, &bytes[cut..])].concat()).await;
        assert_eq!(raw.frame().await, Frame { first: TEXT, payload: bytes.into() }, "cut at {cut}");
    }
    let single: Vec<_> = bytes.iter().flat_map(|byte| frame(MIDDLE, [*byte])).collect();
    raw.send([frame(TEXT_START, ""), single, frame(END, "")].concat()).await;
    assert_eq!(raw.frame().await, Frame { first: TEXT, payload: bytes.into() });
    // Binary and pings need not be text.
    raw.send([frame(BINARY, b"\xff\xfe"), frame(PING, b"\xff")].concat()).await;
    raw.frame().await;
    raw.frame().await;
    bench.nobody_noticed("good text").await;
}
