//! Too much of a request, and paths that are none.

use super::{
    bytes::{handshake, request, with_lines},
    server::Bench,
};

/// Sends a request which must be answered with `status` and no more. The server may stop reading before its end; the answer
/// must still arrive.
async fn refuses(bench: &mut Bench, name: &str, request: &[u8], status: u16) {
    let mut raw = bench.connect().await;
    raw.try_send(request).await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, status, "{name}: {answer:?}");
    assert_eq!(bench.calls(), 0, "{name}");
    // What is thrown away after the answer has a limit; beyond it a reset is all right.
    if request.len() < 100 << 10 {
        raw.finish().await;
        assert_eq!(String::from_utf8_lossy(&raw.rest().await), "", "{name}");
    }
    bench.nobody_noticed(name).await;
}

#[tokio::test]
async fn header_lines() {
    let mut bench = Bench::new().await;
    let line = |size: usize| format!("X-Long: {}", "a".repeat(size)).into_bytes();
    let lines = |count: usize, size: usize| -> Vec<Vec<u8>> {
        (0..count).map(|number| format!("X-{number}: {}", "a".repeat(size)).into_bytes()).collect()
    };
    for (name, lines) in [
        ("a line of 70 KiB", vec![line(70 << 10)]),
        ("a line of 600 KiB", vec![line(600 << 10)]),
        ("a line of 4 MiB", vec![line(4 << 20)]),
        ("2,000 lines", lines(2000, 1)),
        ("129 lines", lines(129, 1)),
        ("100 lines of 700 bytes", lines(100, 700)),
        ("100,000 lines", lines(100_000, 10)),
    ] {
        let lines: Vec<_> = lines.iter().map(Vec::as_slice).collect();
        refuses(&mut bench, name, &with_lines(&lines), 431).await;
    }
    // A head that never ends is refused before its time is up.
    let endless = [b"GET /echo HTTP/1.1\r\nX: ".to_vec(), vec![b'a'; 2 << 20]].concat();
    refuses(&mut bench, "a head without end", &endless, 431).await;
    let fits: Vec<_> = lines(100, 500);
    let fits: Vec<_> = fits.iter().map(Vec::as_slice).collect();
    assert_eq!(bench.status("100 lines of 500 bytes", &with_lines(&fits)).await, 101);
}

#[tokio::test]
async fn paths() {
    let mut bench = Bench::new().await;
    for path in [
        "/%00",
        "/echo%00",
        "/%ff",
        "/%",
        "/%zz",
        "/%4",
        "/echo%",
        "/%c3%28",
        "/%ed%a0%80",
        "/a%2",
        "/%u0041",
        "/%ff/../echo",
    ] {
        refuses(&mut bench, path, &handshake(path), 400).await;
    }
    for size in [9 << 10, 63 << 10, 64 << 10, 70 << 10, 600 << 10, 4 << 20] {
        refuses(&mut bench, "a long path", &handshake(&format!("/{}", "a".repeat(size))), 414).await;
    }
    for bytes in [&b"/\xff"[..], b"/\xc3\x28", b"/\x7f", b"/\x01", b"/a\0b"] {
        let bytes = [b"GET ", bytes, b" HTTP/1.1\r\nHost: good.example\r\n\r\n"].concat();
        refuses(&mut bench, "a byte that no path has", &bytes, 400).await;
    }
    assert_eq!(bench.status("an escaped path", &handshake("/%65cho")).await, 101);
}

#[tokio::test]
async fn query_parameters() {
    let mut bench = Bench::new().await;
    let query = |count: usize| handshake(&format!("/echo?{}", vec!["a=1"; count].join("&")));
    refuses(&mut bench, "10,000 parameters", &query(10_000), 400).await;
    refuses(&mut bench, "10,000 empty ones", &handshake(&format!("/echo?{}", "&".repeat(10_000))), 400).await;
    assert_eq!(bench.status("100 parameters", &query(100)).await, 101);
}

#[tokio::test]
async fn what_is_no_http() {
    let mut bench = Bench::new().await;
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0x5a; 200]].concat();
    for (name, bytes) in [
        ("TLS", &tls[..]),
        ("a frame", &[0x81, 0x83, 1, 2, 3, 4, 5, 6, 7]),
        ("NULs", &[0; 1000]),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("a colon", b":\r\n\r\n"),
    ] {
        let mut raw = bench.connect().await;
        raw.send(bytes).await;
        // Closed, with or without a word.
        let rest = raw.rest().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 "), "{name}: {:?}", String::from_utf8_lossy(&rest));
        assert_eq!(bench.calls(), 0, "{name}");
        bench.nobody_noticed(name).await;
    }
    for target in ["*", "echo", "good.example:80", "http://", "//", "///echo", "?echo"] {
        let status = bench.status(target, &handshake(target)).await;
        assert!([400, 404].contains(&status), "{target}: {status}");
    }
    let status = bench.status("CONNECT", &request("CONNECT good.example:80 HTTP/1.1", &[])).await;
    assert!([400, 404, 405].contains(&status), "{status}");
}
