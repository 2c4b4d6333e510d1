//! Origins, subprotocols, and what shares a connection with a handshake.

use sockeye::prelude::*;

use super::{
    bytes::{TEXT, close, frame, handshake, request, with_lines},
    raw::Frame,
    server::Bench,
};

#[tokio::test]
async fn origins() {
    let mut bench = Bench::new().await;
    for (lines, status) in [
        (&[&b"Origin: http://good.example"[..]][..], 101),
        (&[b"Origin: https://GOOD.example"], 101),
        (&[b"Origin: https://evil.example"], 403),
        (&[b"Origin: null"], 403),
        (&[b"Origin: http://good.example.evil.example"], 403),
        (&[b"Origin: http://evilgood.example"], 403),
        (&[b"Origin: http://good.example:8080"], 403),
        (&[b"Origin: http://good.example@evil.example"], 403),
        (&[b"Origin: good.example"], 403),
        (&[b"Origin: file://good.example"], 403),
        (&[b"Origin:"], 403),
        (&[b"Origin: http://good.example https://evil.example"], 403),
        (&[b"Origin: http://good.example, https://evil.example"], 403),
        (&[b"Origin: http://good.example", b"Origin: https://evil.example"], 400),
        (&[b"Origin: http://good.example", b"Origin: http://good.example"], 400),
    ] {
        let name = String::from_utf8_lossy(&lines.concat()).into_owned();
        assert_eq!(bench.status(&name, &with_lines(lines)).await, status, "{name}");
    }
}

#[websocket("/lax", protocols = ["chat.v2", "chat.v1"])]
async fn lax(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await.map(drop)
}

#[websocket("/strict", protocols = ["chat.v2"], strict_protocol)]
async fn strict(mut ws: WebSocket) -> Result<()> {
    ws.receive_text().await.map(drop)
}

#[tokio::test]
async fn subprotocols() {
    let mut bench = Bench::of(App::new().route(lax).route(strict)).await;
    for (path, offers, status, chosen) in [
        ("/lax", &[][..], 101, None),
        ("/lax", &["chat.v1"], 101, Some("chat.v1")),
        ("/lax", &["chat.v9, chat.v1, chat.v2"], 101, Some("chat.v1")),
        ("/lax", &["chat.v9", "chat.v2"], 101, Some("chat.v2")),
        // RFC 6455 section 4.2.2: none in common, no header.
        ("/lax", &["chat.v9"], 101, None),
        ("/lax", &["chat.v1 chat.v2"], 101, None),
        ("/lax", &["CHAT.V1"], 101, None),
        ("/lax", &[""], 101, None),
        ("/echo", &["anything"], 101, None),
        ("/strict", &["chat.v2"], 101, Some("chat.v2")),
        ("/strict", &["chat.v9"], 400, None),
        ("/strict", &["<script>alert(1)</script>"], 400, None),
        ("/strict", &[], 400, None),
    ] {
        let lines: Vec<_> =
            offers.iter().map(|offer| format!("Sec-WebSocket-Protocol: {offer}").into_bytes()).collect();
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        let mut raw = bench.connect().await;
        raw.send(request(&format!("GET {path} HTTP/1.1"), &[("", &lines)])).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, status, "{path} {offers:?}");
        assert_eq!(answer.header("sec-websocket-protocol"), chosen, "{path} {offers:?}");
        // What the client says does not come back.
        assert!(!format!("{answer:?}").contains("chat.v9") && !answer.body.contains("script"), "{answer:?}");
        bench.nobody_noticed(path).await;
    }
}

#[tokio::test]
async fn requests_before_the_handshake() {
    let mut bench = Bench::new().await;
    let plain = b"GET /nothing HTTP/1.1\r\nHost: good.example\r\n\r\n".to_vec();
    let refused = request("GET /echo HTTP/1.1", &[("Sec-WebSocket-Key", &[])]);
    let all = [plain.clone(), refused, plain, handshake("/echo"), frame(TEXT, "behind"), close(1000, b"")].concat();
    for one_by_one in [false, true] {
        let mut raw = bench.connect().await;
        match one_by_one {
            false => raw.send(&all).await,
            true => raw.trickle(&all).await,
        }
        for status in [404, 400, 404] {
            assert_eq!(raw.answer().await.status, status);
        }
        raw.switched().await;
        let ended = raw.ended().await;
        assert_eq!(ended.frames, [Frame { first: TEXT, payload: "behind".into() }]);
        assert_eq!(ended.close, Some(Some(1000)));
        assert_eq!(bench.calls(), 1);
        bench.nobody_noticed("pipelined").await;
    }
}

#[tokio::test]
async fn a_request_behind_the_handshake_is_no_frame() {
    let mut bench = Bench::new().await;
    let mut raw = bench.connect().await;
    raw.send([handshake("/echo"), handshake("/echo")].concat()).await;
    raw.switched().await;
    let ended = raw.ended().await;
    assert_eq!(ended.close, Some(Some(1002)));
    assert_eq!(bench.calls(), 1);
    bench.nobody_noticed("two handshakes").await;
}

/// A handshake has no body (RFC 6455 section 4.1: it is a `GET`, and frames follow): what would be body to one reader
/// and frames to another is refused.
#[tokio::test]
async fn a_handshake_with_a_body() {
    let mut bench = Bench::new().await;
    for (line, body) in [
        (&b"Content-Length: 9"[..], frame(TEXT, "abc")),
        (b"Content-Length: 1000000", frame(TEXT, "abc")),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n".to_vec()),
        (b"Transfer-Encoding: chunked", frame(TEXT, "abc")),
    ] {
        let name = String::from_utf8_lossy(line).into_owned();
        let status = bench.status(&name, &[with_lines(&[line]), body].concat()).await;
        assert_eq!(status, 400, "{name}");
    }
    assert_eq!(bench.status("no body", &with_lines(&[b"Content-Length: 0"])).await, 101);
}
