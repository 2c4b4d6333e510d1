//! Bombs, garbage, and reserved bits in the wrong place.

use std::fs;

use flate2::{Compress, FlushCompress};
use sockeye::Compression;

use super::client::{BINARY, CLOSE, CONTINUATION, Client, FIN, PING, RSV1, TEXT, frame, serve, text};

const OFFER: &str = "permessage-deflate";

/// 1 GiB of zeros in about 1 MiB.
fn bomb() -> Vec<u8> {
    let (mut compress, mut out) = (Compress::new(flate2::Compression::new(6), false), Vec::with_capacity(4096));
    // After a full flush nothing refers to what came before, so the same again may follow.
    compress.compress_vec(&vec![0; 1 << 20], &mut out, FlushCompress::Full).expect("can't compress");
    assert_eq!(compress.total_in(), 1 << 20);
    let mut bomb = out.repeat(1024);
    bomb.truncate(bomb.len() - 4);
    bomb
}

/// The memory that the process has had at most, in bytes.
fn most_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a high-water mark");
    let kib: usize = line.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

#[tokio::test]
async fn a_bomb_goes_off_at_the_limit() {
    let bomb = bomb();
    // It is a message of the size that the route allows as long as it is compressed.
    assert!(bomb.len() < 11 << 17);
    for (path, limit, payload) in [("/length", 1 << 20, &bomb[..1 << 20]), ("/echo", 16 << 20, &bomb[..])] {
        for takeover in [false, true] {
            let server = serve(Compression::new().takeover(takeover)).await;
            let mut client = Client::open(&server, path, &[OFFER]).await;
            let bytes = frame(FIN | RSV1 | BINARY, payload);
            let before = most_memory();
            client.send_bytes(&bytes).await;
            assert_eq!(client.closed().await, 1009, "{path}");
            let grown = most_memory() - before;
            // And a little for everything else; where the runner does not give each test a process, others run beside it.
            assert!(grown < 2 * limit + (2 << 20), "{grown} bytes on {path}");
        }
    }
}

#[tokio::test]
async fn what_is_no_deflate_data_closes_1007() {
    let server = serve(Compression::new()).await;
    let cut = {
        let mut client = Client::agreed(&server, OFFER).await;
        let deflated = client.deflate(&text(5_000, 1));
        deflated[..deflated.len() - 50].to_vec()
    };
    for (name, payload) in [
        ("a reserved block", &[0x07, 0x00][..]),
        ("plain text", b"Hello, Hello, Hello"),
        ("a distance too far back", &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ("a cut message", &cut),
        ("a stored block with a wrong check", &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48]),
        ("text that is not utf-8", &[0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00]),
    ] {
        let mut client = Client::agreed(&server, OFFER).await;
        // What came before is answered.
        client.send(TEXT, b"before").await;
        client.send_bytes(&frame(FIN | RSV1 | TEXT, payload)).await;
        client.try_send(&frame(FIN | TEXT, b"behind")).await;
        assert_eq!(client.receive().await, (TEXT, b"before".to_vec(), false), "{name}");
        assert_eq!(client.closed().await, 1007, "{name}");
    }
}

/// RFC 7692 section 7.2.3.4.
#[tokio::test]
async fn a_last_block_is_legal() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover)).await;
        let mut client = Client::agreed(&server, OFFER).await;
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        for _ in 0..3 {
            client.send_bytes(&frame(FIN | RSV1 | TEXT, &last)).await;
            assert_eq!(client.receive().await, (TEXT, b"Hello".to_vec(), false));
        }
    }
}

#[tokio::test]
async fn reserved_bits_in_the_wrong_place_close_1002() {
    let server = serve(Compression::new()).await;
    for (name, bytes) in [
        ("RSV1 on a continuation", [frame(RSV1 | TEXT, &[0]), frame(FIN | RSV1 | CONTINUATION, &[0])].concat()),
        (
            "RSV1 on a continuation of a plain message",
            [frame(TEXT, b"a"), frame(FIN | RSV1 | CONTINUATION, &[0])].concat(),
        ),
        ("RSV1 on a ping", frame(FIN | RSV1 | PING, &[0])),
        ("RSV1 on a close frame", frame(FIN | RSV1 | CLOSE, &[3, 0xe8])),
        ("RSV2", frame(FIN | 0x20 | TEXT, &[0])),
        ("RSV1 and RSV3", frame(FIN | RSV1 | 0x10 | TEXT, &[0])),
    ] {
        let mut client = Client::agreed(&server, OFFER).await;
        client.send_bytes(&bytes).await;
        assert_eq!(client.closed().await, 1002, "{name}");
    }
}

/// A close frame without a code is no message: nothing compresses or decompresses it.
#[tokio::test]
async fn an_empty_close_frame() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover).threshold(0)).await;
        let mut client = Client::agreed(&server, OFFER).await;
        client.send(TEXT, b"last words").await;
        client.send_bytes(&frame(FIN | CLOSE, b"")).await;
        assert_eq!(client.receive().await.1, b"last words");
        let close = client.frame().await;
        assert_eq!((close.first, &close.payload[..]), (FIN | CLOSE, &b""[..]));
    }
}

#[tokio::test]
async fn empty_messages() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover).threshold(0)).await;
        let mut client = Client::agreed(&server, OFFER).await;
        for payload in [&[0x00][..], &[], &[0x02, 0x00], &[0x03, 0x00]] {
            client.send_bytes(&frame(FIN | RSV1 | TEXT, payload)).await;
            assert_eq!(client.receive().await, (TEXT, Vec::new(), false), "{payload:x?}");
        }
        client.send(TEXT, b"still here").await;
        assert_eq!(client.receive().await.1, b"still here");
    }
}
