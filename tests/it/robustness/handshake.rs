//! The opening handshake, line by line (RFC 6455 section 4.2.1).

use super::{
    bytes::{CLOSE, TEXT, frame, handshake, request, with_lines},
    raw::Frame,
    server::Bench,
};

const GET: &str = "GET /echo HTTP/1.1";

type Change<'a> = (&'a str, &'a [&'a [u8]]);

/// What each row changes, and the statuses that it may get.
async fn check(bench: &mut Bench, rows: &[(&str, &[Change<'_>], &[u16])]) {
    for (name, changes, statuses) in rows {
        let status = bench.status(name, &request(GET, changes)).await;
        assert!(statuses.contains(&status), "{name}: expected {statuses:?}, got {status}");
    }
}

#[tokio::test]
async fn versions() {
    let mut bench = Bench::new().await;
    const VERSION: &str = "Sec-WebSocket-Version";
    for (name, lines) in [
        ("8", &[&b"Sec-WebSocket-Version: 8"[..]][..]),
        ("13, 8", &[b"Sec-WebSocket-Version: 13, 8"]),
        ("twice", &[b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 13"]),
        ("twice, different", &[b"Sec-WebSocket-Version: 8", b"Sec-WebSocket-Version: 13"]),
        ("missing", &[]),
        ("empty", &[b"Sec-WebSocket-Version:"]),
        ("013", &[b"Sec-WebSocket-Version: 013"]),
        ("+13", &[b"Sec-WebSocket-Version: +13"]),
        ("130", &[b"Sec-WebSocket-Version: 130"]),
        ("not ASCII", &[b"Sec-WebSocket-Version: 13\xff"]),
    ] {
        let mut raw = bench.connect().await;
        raw.send(request(GET, &[(VERSION, lines)])).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 426, "{name}");
        // RFC 6455 section 4.4.
        assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{name}");
        assert_eq!(bench.calls(), 0, "{name}");
        bench.nobody_noticed(name).await;
    }
    // White space around a value is not part of it (RFC 9110 section 5.5).
    check(&mut bench, &[("spaces", &[(VERSION, &[b"Sec-WebSocket-Version:  13 \t"])], &[101])]).await;
}

#[tokio::test]
async fn keys() {
    const KEY: &str = "Sec-WebSocket-Key";
    let good = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let rows: &[(&str, &[Change<'_>], &[u16])] = &[
        ("missing", &[(KEY, &[])], &[400]),
        ("empty", &[(KEY, &[b"Sec-WebSocket-Key:"])], &[400]),
        ("15 bytes", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"])], &[400]),
        ("17 bytes", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU="])], &[400]),
        ("no padding", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"])], &[400]),
        ("not base64", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhb!!sZSBub25jZQ=="])], &[400]),
        ("base64 of URLs", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhb-_sZSBub25jZQ=="])], &[400]),
        ("a space in it", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhb XBsZSBub25jZQ=="])], &[400]),
        ("not ASCII", &[(KEY, &[b"Sec-WebSocket-Key: dGhlIHNhb\xff\xfesZSBub25jZQ=="])], &[400]),
        ("twice", &[(KEY, &[good, good])], &[400]),
        ("twice, the second bad", &[(KEY, &[good, b"Sec-WebSocket-Key: x"])], &[400]),
        ("long", &[(KEY, &[&[&b"Sec-WebSocket-Key: "[..], &[b'A'; 5000], b"=="].concat()])], &[400]),
    ];
    check(&mut Bench::new().await, rows).await;
}

#[tokio::test]
async fn connection_and_upgrade_lines() {
    const CONNECTION: &str = "Connection";
    const UPGRADE: &str = "Upgrade";
    let refused: &[u16] = &[400, 426];
    let rows: &[(&str, &[Change<'_>], &[u16])] = &[
        ("without case", &[(CONNECTION, &[b"Connection: keep-alive, UPGRADE"])], &[101]),
        ("several lines", &[(CONNECTION, &[b"Connection: keep-alive", b"Connection: x-a, upgrade"])], &[101]),
        ("empty list items", &[(CONNECTION, &[b"Connection: ,, ,Upgrade,"])], &[101]),
        ("no Connection", &[(CONNECTION, &[])], refused),
        ("another token", &[(CONNECTION, &[b"Connection: keep-alive"])], refused),
        ("a longer token", &[(CONNECTION, &[b"Connection: Upgraded"])], refused),
        ("two words", &[(CONNECTION, &[b"Connection: not Upgrade"])], refused),
        ("Upgrade without case", &[(UPGRADE, &[b"Upgrade: WebSocket"])], &[101]),
        ("one of several", &[(UPGRADE, &[b"Upgrade: h2c, websocket"])], &[101]),
        ("several Upgrade lines", &[(UPGRADE, &[b"Upgrade: h2c", b"Upgrade: websocket"])], &[101]),
        ("no Upgrade", &[(UPGRADE, &[])], refused),
        ("h2c alone", &[(UPGRADE, &[b"Upgrade: h2c"])], refused),
        ("a longer protocol", &[(UPGRADE, &[b"Upgrade: websockets"])], refused),
        ("not ASCII", &[(UPGRADE, &[b"Upgrade: websocket\xff"])], refused),
    ];
    check(&mut Bench::new().await, rows).await;
}

#[tokio::test]
async fn methods_and_versions_of_http() {
    let mut bench = Bench::new().await;
    for (line, status) in [
        ("POST /echo HTTP/1.1", 405),
        ("PUT /echo HTTP/1.1", 405),
        ("DELETE /echo HTTP/1.1", 405),
        ("get /echo HTTP/1.1", 405),
        ("MADE-UP /echo HTTP/1.1", 405),
        // RFC 6455 section 4.2.1, item 1: HTTP/1.1 at least.
        ("GET /echo HTTP/1.0", 400),
        ("GET /echo HTTP/0.9", 400),
        ("GET /echo HTTP/3.1", 400),
        ("GET /echo", 400),
        ("GET  /echo HTTP/1.1", 400),
        ("GET /echo HTTP/1.1 x", 400),
        ("G\u{e9}T /echo HTTP/1.1", 400),
        // RFC 9112 section 3.2.2: a server accepts the absolute form.
        ("GET http://good.example/echo HTTP/1.1", 101),
        ("GET /echo?a=%ff&b=%zz&&= HTTP/1.1", 101),
    ] {
        assert_eq!(bench.status(line, &request(line, &[])).await, status, "{line}");
    }
}

#[tokio::test]
async fn a_socket_asked_for_without_an_upgrade() {
    let mut bench = Bench::new().await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let mut raw = bench.connect().await;
        raw.send(format!("{method} /echo HTTP/1.1\r\nHost: good.example\r\nContent-Length: 0\r\n\r\n")).await;
        let answer = raw.answer().await;
        assert_eq!(answer.status, 405, "{method}");
        let allow = answer.header("allow").expect("Allow (RFC 9110 section 15.5.6)");
        assert!(allow.split(", ").any(|method| method == "GET"), "{allow}");
    }
    let mut raw = bench.connect().await;
    raw.send("GET /echo HTTP/1.1\r\nHost: good.example\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 426);
    // RFC 9110 section 15.5.22.
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert!(answer.body.contains("proxy_set_header Upgrade"), "{}", answer.body);
    assert_eq!(bench.calls(), 0);
    bench.nobody_noticed("plain requests").await;
}

#[tokio::test]
async fn header_lines_of_odd_shape() {
    const HOST: &str = "Host";
    let rows: &[(&str, &[Change<'_>], &[u16])] = &[
        (
            "lower-case names",
            &[
                ("Upgrade", &[b"upgrade: websocket"]),
                ("Connection", &[b"connection: Upgrade"]),
                ("Sec-WebSocket-Version", &[b"sec-websocket-version:13"]),
                (HOST, &[b"host:good.example"]),
            ],
            &[101],
        ),
        // RFC 9112 sections 5.1 and 5.2.
        ("a space before the colon", &[("", &[b"X-A : b"])], &[400]),
        ("a folded line", &[("", &[b"X-A: b", b" c"])], &[400]),
        ("a folded first line", &[(HOST, &[b" Host: good.example"])], &[400]),
        ("no colon", &[("", &[b"X-A"])], &[400]),
        ("no name", &[("", &[b": b"])], &[400]),
        ("a space in the name", &[("", &[b"X A: b"])], &[400]),
        ("a NUL in the name", &[("", &[b"X\0A: b"])], &[400]),
        ("a name that is not ASCII", &[("", &[b"X-\xc3\xa9: b"])], &[400]),
        ("a NUL in the value", &[("", &[b"X-A: b\0c"])], &[400]),
        ("a bare CR in the value", &[("", &[b"X-A: b\rc"])], &[400]),
        ("an escape in the value", &[("", &[b"X-A: b\x1b[31m"])], &[400]),
        ("bytes above ASCII in a value", &[("", &[b"X-A: \xe9"])], &[101]),
        // RFC 9110 section 10.1.1: there is no content to wait for.
        ("an expectation", &[("", &[b"Expect: 100-continue"])], &[101]),
        ("an expectation that nobody knows", &[("", &[b"Expect: the unexpected"])], &[101, 417]),
        // RFC 9112 section 3.2: exactly one valid host.
        ("no host", &[(HOST, &[])], &[400]),
        ("two hosts", &[(HOST, &[b"Host: good.example", b"Host: bad.example"])], &[400]),
        ("the same host twice", &[(HOST, &[b"Host: good.example", b"Host: good.example"])], &[400]),
        ("a host with a space", &[(HOST, &[b"Host: good.example bad.example"])], &[400]),
        ("a host with a path", &[(HOST, &[b"Host: good.example/x"])], &[400]),
        ("a host with a user", &[(HOST, &[b"Host: x@good.example"])], &[400]),
        ("a host with a list", &[(HOST, &[b"Host: good.example, bad.example"])], &[400]),
        ("a host that is not ASCII", &[(HOST, &[b"Host: g\xf6\xf6d.example"])], &[400]),
        ("a port that is none", &[(HOST, &[b"Host: good.example:http"])], &[400]),
        ("half an IPv6 host", &[(HOST, &[b"Host: [::1"])], &[400]),
        ("an IPv6 host", &[(HOST, &[b"Host: [::1]:8000"])], &[101]),
        ("an empty port", &[(HOST, &[b"Host: good.example:"])], &[101]),
    ];
    let mut bench = Bench::new().await;
    check(&mut bench, rows).await;
    let absolute = "GET http://good.example/echo HTTP/1.1";
    for (name, lines) in [
        ("absolute form without host", &[][..]),
        ("absolute form with two", &[&b"Host: good.example"[..], b"Host: bad.example"]),
    ] {
        assert_eq!(bench.status(name, &request(absolute, &[(HOST, lines)])).await, 400, "{name}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf8_in_headers() {
    let ignored: &[u16] = &[101, 400];
    let mut bench = Bench::new().await;
    for (name, statuses) in [
        ("Sec-WebSocket-Protocol", ignored),
        ("Sec-WebSocket-Extensions", ignored),
        ("Cookie", ignored),
        ("Authorization", ignored),
        ("User-Agent", ignored),
        ("X-Forwarded-For", ignored),
        // A page whose origin can't be read is not let in.
        ("Origin", &[400, 403]),
    ] {
        for value in [&b"\xff"[..], b"a=\xc3\x28; b", b"\xed\xa0\x80", b"Bearer \xf8\x80, chat"] {
            let line = [name.as_bytes(), b": ", value].concat();
            let status = bench.status(name, &with_lines(&[&line])).await;
            assert!(statuses.contains(&status), "{name}: {status}");
        }
    }
}

#[tokio::test]
async fn handshake_and_frames_in_one_segment() {
    let mut bench = Bench::new().await;
    let frames: Vec<_> = ["one", "two", "three"].iter().flat_map(|text| frame(TEXT, text)).collect();
    let all = [handshake("/echo"), frames, frame(CLOSE, [3, 232])].concat();
    let expected = ["one", "two", "three"].map(|text| Frame { first: TEXT, payload: text.into() });
    for one_by_one in [false, true] {
        let mut raw = bench.connect().await;
        match one_by_one {
            false => raw.send(&all).await,
            true => raw.trickle(&all).await,
        }
        raw.switched().await;
        let ended = raw.ended().await;
        assert_eq!(ended.frames, expected);
        assert_eq!(ended.close, Some(Some(1000)));
        assert_eq!(bench.end().await.messages, 3);
        bench.nobody_noticed("frames behind the handshake").await;
    }
}
