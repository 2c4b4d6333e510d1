//! Offers of extensions (RFC 6455 section 9.1, RFC 7692 section 5): what is not understood is declined, and costs little.

use super::{
    bytes::{TEXT, close, frame, with_lines},
    server::{Bench, End},
};

/// Offers that are declined, each as header lines.
fn declined() -> Vec<(&'static str, Vec<String>)> {
    let hundred = |offer: &str| vec![offer; 100].join(", ");
    vec![
        ("an unknown one", vec!["x-unknown".into()]),
        ("100 unknown ones", vec![hundred("x-unknown; a=b")]),
        ("100 unknown ones in as many lines", vec!["x-unknown; a=b".into(); 100]),
        ("an unknown parameter", vec!["permessage-deflate; unknown".into()]),
        ("100 offers with an unknown parameter", vec![hundred("permessage-deflate; unknown=1")]),
        (
            "a parameter twice",
            vec!["permessage-deflate; client_no_context_takeover; client_no_context_takeover".into()],
        ),
        ("a parameter 1,000 times", vec![format!("permessage-deflate{}", "; server_max_window_bits=10".repeat(1_000))]),
        ("100 parameters twice", vec![hundred("permessage-deflate; client_max_window_bits; client_max_window_bits=9")]),
        ("an unclosed quote", vec!["permessage-deflate; server_max_window_bits=\"10".into()]),
        ("100 unclosed quotes", vec![hundred("permessage-deflate; x=\"")]),
        ("an unclosed quote in each of 100 lines", vec!["permessage-deflate; client_max_window_bits=\"".into(); 100]),
        ("an unclosed quote of 60,000 bytes", vec![format!("permessage-deflate; x=\"{}", "a".repeat(60_000))]),
        ("an escape at the end", vec!["permessage-deflate; x=\"\\".into()]),
        ("30,000 escapes", vec![format!("permessage-deflate; x=\"{}", "\\\"".repeat(30_000))]),
        ("60,000 separators", vec![",;=".repeat(20_000)]),
        ("60,000 blanks", vec![format!("permessage-deflate;{}x", " ".repeat(60_000))]),
        ("a window of 8", vec![hundred("permessage-deflate; server_max_window_bits=8")]),
        ("letters of another size", vec![hundred("Permessage-Deflate")]),
    ]
}

#[tokio::test]
async fn what_is_not_understood_is_declined() {
    let mut bench = Bench::new().await;
    for (name, lines) in declined() {
        let lines: Vec<_> = lines.iter().map(|line| format!("Sec-WebSocket-Extensions: {line}").into_bytes()).collect();
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let mut raw = bench.connect().await;
        raw.send(with_lines(&lines)).await;
        assert_eq!(raw.switched().await.header("sec-websocket-extensions"), None, "{name}");
        assert_eq!(bench.calls(), 1, "{name}");
        // It is a socket like any other: nothing is compressed, and nothing compressed is taken.
        let long = "long enough to be compressed ".repeat(20);
        raw.send(frame(TEXT, &long)).await;
        let echo = raw.frame().await;
        assert_eq!((echo.first, echo.payload.len()), (TEXT, long.len()), "{name}");
        raw.send([frame(TEXT | 0x40, [0]), close(1000, b"")].concat()).await;
        assert_eq!(raw.ended().await.close, Some(Some(1002)), "{name}");
        assert_eq!(bench.end().await, End { messages: 1, disconnected: true, code: None }, "{name}");
        bench.nobody_noticed(name).await;
    }
}

/// One that can be accepted behind many that can't is found.
#[tokio::test]
async fn a_good_offer_behind_bad_ones() {
    let mut bench = Bench::new().await;
    for (name, mut lines) in declined() {
        lines.push("permessage-deflate".into());
        let lines: Vec<_> = lines.iter().map(|line| format!("Sec-WebSocket-Extensions: {line}").into_bytes()).collect();
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let mut raw = bench.connect().await;
        raw.send(with_lines(&lines)).await;
        let answer = raw.switched().await;
        let extensions = answer.header("sec-websocket-extensions").unwrap_or_default();
        assert!(extensions.starts_with("permessage-deflate; "), "{name}: {answer:?}");
        bench.nobody_noticed(name).await;
    }
}
