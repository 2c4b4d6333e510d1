//! Where a body ends (RFC 9112 section 6.3): two readers must never see different requests.

use super::server::Bench;

const SECRET: &str = "GET /nothing HTTP/1.1\r\nHost: good.example\r\n\r\n";

/// Sends a request with these lines and a body that is a request to whoever reads the lines differently: answered once, with
/// 400, and closed.
async fn refuses(bench: &mut Bench, line: &str, headers: &[&str], body: &str) {
    for method in ["POST", "GET"] {
        let head = format!("{method} /echo {line}\r\nHost: good.example\r\n{}\r\n\r\n", headers.join("\r\n"));
        let name = format!("{method} {headers:?}");
        let mut raw = bench.connect().await;
        raw.send(format!("{head}{body}")).await;
        assert_eq!(raw.answer().await.status, 400, "{name}");
        let rest = raw.rest().await;
        assert_eq!(String::from_utf8_lossy(&rest), "", "{name}");
        assert_eq!(bench.calls(), 0, "{name}");
        bench.nobody_noticed(&name).await;
    }
}

#[tokio::test]
async fn two_ways_to_end_a_body() {
    let mut bench = Bench::new().await;
    let chunked = format!("0\r\n\r\n{SECRET}");
    for headers in [
        &["Transfer-Encoding: chunked", "Content-Length: 5"][..],
        &["Content-Length: 5", "Transfer-Encoding: chunked"],
        &["content-length:5", "X-A: b", "TRANSFER-ENCODING:chunked"],
        &["Transfer-Encoding: chunked", "Content-Length: 0"],
        &["Transfer-Encoding: gzip, chunked", "Content-Length: 5"],
        &["Transfer-Encoding: chunked", "Content-Length: x"],
    ] {
        refuses(&mut bench, "HTTP/1.1", headers, &chunked).await;
    }
    for headers in [
        &["Transfer-Encoding: gzip"][..],
        &["Transfer-Encoding: xchunked"],
        &["Transfer-Encoding: chunked, identity"],
        &["Transfer-Encoding: \x0bchunked"],
        &["Transfer-Encoding:"],
        &["Transfer-Encoding : chunked"],
    ] {
        refuses(&mut bench, "HTTP/1.1", headers, &chunked).await;
    }
    // RFC 9112 section 6.1: HTTP/1.0 has no chunks.
    refuses(&mut bench, "HTTP/1.0", &["Transfer-Encoding: chunked"], &chunked).await;
}

#[tokio::test]
async fn lengths_that_are_none() {
    let mut bench = Bench::new().await;
    for headers in [
        &["Content-Length: 5", "Content-Length: 0"][..],
        &["Content-Length: 0", "X-A: b", "Content-Length: 46"],
        &["Content-Length: 0, 46"],
        &["Content-Length: +5"],
        &["Content-Length: -1"],
        &["Content-Length: 0x2e"],
        &["Content-Length: 5 5"],
        &["Content-Length: 5."],
        &["Content-Length:"],
        &["Content-Length: \u{0665}"],
        &["Content-Length: 18446744073709551616"],
    ] {
        refuses(&mut bench, "HTTP/1.1", headers, SECRET).await;
    }
    // A length it is, but nobody's.
    let mut raw = bench.connect().await;
    raw.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\nx").await;
    let status = raw.answer().await.status;
    assert!([400, 413, 431].contains(&status), "{status}");
    raw.rest().await;
    bench.nobody_noticed("2^64 - 1 bytes").await;
}

/// What was refused is found in later requests too, whatever came before on the connection.
#[tokio::test]
async fn two_ways_behind_good_requests() {
    let mut bench = Bench::new().await;
    let bad = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    for (name, before, status) in [
        ("a plain one", "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        ("blank lines and a plain one", "\r\n\r\nGET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        ("bare LFs", "GET /nothing HTTP/1.1\nHost: h\n\n", 404),
        ("a body", "POST /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n", 404),
        (
            "chunks",
            "POST /nothing HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4;x=\"y\"\r\n\r\n\r\n\r\n0\r\nA: b\r\n\r\n",
            404,
        ),
        ("a refused upgrade", "GET /echo HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n", 426),
    ] {
        // A server that answers before it has read a body may close, and does where the body is slow to come.
        let has_body = before.starts_with("POST");
        for one_by_one in [false, true].into_iter().filter(|one_by_one| !(has_body && *one_by_one)) {
            let all = format!("{before}{bad}{SECRET}");
            let mut raw = bench.connect().await;
            match one_by_one {
                false => raw.send(&all).await,
                true => raw.trickle(all.as_bytes()).await,
            }
            assert_eq!(raw.answer().await.status, status, "{name}");
            assert_eq!(raw.answer().await.status, 400, "{name}");
            assert_eq!(String::from_utf8_lossy(&raw.rest().await), "", "{name}");
            assert_eq!(bench.calls(), 0, "{name}");
            bench.nobody_noticed(name).await;
        }
    }
}

/// A body that only looks like it: `Content-Length` in the text of a chunked request is no header.
#[tokio::test]
async fn good_bodies_are_none_of_it() {
    let mut bench = Bench::new().await;
    let part = "\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = format!(
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{part}\r\n0\r\nContent-Length: 5\r\n\r\n",
        part.len()
    );
    let sized = format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{part}", part.len());
    let all = [sized.as_str(), &chunked, SECRET, &chunked, &sized, SECRET].concat();
    let mut raw = bench.connect().await;
    raw.send(&all).await;
    for status in [405, 405, 404, 405, 405, 404] {
        assert_eq!(raw.answer().await.status, status);
    }
    bench.nobody_noticed("bodies").await;
}

/// A client that is refused and does not go away: what it still sends is read for a while, and then its place is free.
#[tokio::test]
async fn a_refused_client_holds_no_place() {
    let mut bench = Bench::with(|limits| limits.max_connections = 3).await;
    for (name, bytes) in [
        (
            "two ways",
            "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0".to_owned(),
        ),
        ("a bad head", format!("GET /echo HTTP/1.1\r\nHost : h\r\n{}", "X-A: b\r\n".repeat(1000))),
        ("a body that is not read", format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n{SECRET}")),
    ] {
        let mut raw = bench.connect().await;
        raw.send(&bytes).await;
        assert!([400, 405].contains(&raw.answer().await.status), "{name}");
        raw.try_send(&[b'x'; 1000]).await;
        assert_eq!(raw.rest().await, b"", "{name}");
        // Served only if there is a place for it.
        let next = bench.open("/good").await;
        drop((raw, next));
        bench.nobody_noticed(name).await;
    }
}

/// Many at once: the one that is bad is the one that is refused.
#[tokio::test]
async fn two_ways_behind_many_requests() {
    let mut bench = Bench::new().await;
    let chunked = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let bad = chunked.replace("\r\n\r\n3", "\r\nContent-Length: 3\r\n\r\n3");
    let many = [SECRET, chunked].concat().repeat(500);
    let mut raw = bench.connect().await;
    raw.send([&many, &bad, SECRET].concat()).await;
    for _ in 0..500 {
        assert_eq!([raw.answer().await.status, raw.answer().await.status], [404, 405]);
    }
    assert_eq!(raw.answer().await.status, 400);
    assert_eq!(raw.rest().await, b"");
    bench.nobody_noticed("many requests").await;
}
