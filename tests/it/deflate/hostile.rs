//! Bombs, garbage, and reserved bits in the wrong place.

use std::fs;

use flate2::{Compress, FlushCompress};
use sockeye::{Compression, prelude::*};

use super::client::{BINARY, CLOSE, CONTINUATION, Client, FIN, PING, PONG, RSV1, TEXT, frame, noise, text};
use crate::{
    memory::{alone, most, watch},
    robustness::server::{Bench, End},
};

const OFFER: &str = "permessage-deflate";

const MIB: usize = 1 << 20;

/// A server with two well-behaved clients.
async fn bench(compression: Compression) -> Bench {
    Bench::of(App::new().compression(compression)).await
}

/// A client that compression was agreed on with.
async fn agreed(bench: &Bench) -> Client {
    let client = Client::connect(bench.address, "/echo", &[OFFER]).await;
    assert!(client.answer.is_some());
    client
}

/// The handler had so many messages and then saw the end; nobody else noticed.
async fn ended(bench: &mut Bench, messages: usize, name: &str) {
    assert_eq!(bench.end().await, End { messages, disconnected: true, code: None }, "{name}");
    bench.nobody_noticed(name).await;
}

/// 1 GiB of zeros in about 1 MiB.
fn bomb() -> Vec<u8> {
    let (mut compress, mut out) = (Compress::new(flate2::Compression::new(6), false), Vec::with_capacity(4096));
    // After a full flush nothing refers to what came before, so the same again may follow.
    compress.compress_vec(&vec![0; MIB], &mut out, FlushCompress::Full).expect("can't compress");
    assert_eq!(compress.total_in() as usize, MIB);
    let mut bomb = out.repeat(1024);
    bomb.truncate(bomb.len() - 4);
    bomb
}

#[test]
fn a_bomb_goes_off_at_the_limit() {
    alone(async {
        let bomb = bomb();
        for (limit, payload) in [(MIB, &bomb[..MIB]), (2 * MIB, &bomb), (16 * MIB, &bomb), (MIB, &bomb[..10_000])] {
            for takeover in [false, true] {
                let mut limits = Limits::default();
                (limits.max_message, limits.max_frame) = (limit, limit);
                let app = App::new().limits(limits).compression(Compression::new().takeover(takeover));
                let mut bench = Bench::of(app).await;
                let mut client = agreed(&bench).await;
                let bytes = frame(FIN | RSV1 | BINARY, payload);
                // What the thread needs to decompress at all is there from now on.
                client.send(TEXT, &text(20_000, 1)).await;
                client.receive().await;
                let before = watch();
                client.send_bytes(&bytes).await;
                assert_eq!(client.closed().await, 1009, "limit {limit}");
                let grown = most() - before;
                assert!(grown < 2 * limit + MIB / 16, "{grown} bytes with a limit of {limit}");
                ended(&mut bench, 1, "a bomb").await;
            }
        }
    });
}

/// To the byte, plain and compressed, in one frame and in several.
#[tokio::test]
async fn the_limit_is_the_limit() {
    for takeover in [false, true] {
        let mut bench = bench(Compression::new().takeover(takeover)).await;
        for (name, payload) in [("zeros", vec![0; MIB + 1]), ("noise", noise(MIB + 1, 1))] {
            for compressed in [false, true] {
                for parts in [1, 7] {
                    let name = format!("{name}, {parts} frames, compressed: {compressed}");
                    let mut client = agreed(&bench).await;
                    for (payload, fits) in [(&payload[..MIB], true), (&payload[..], false)] {
                        let mut deflated = Vec::new();
                        let body = if compressed {
                            deflated.extend(client.deflate(payload));
                            &deflated
                        } else {
                            payload
                        };
                        let rsv1 = if compressed { RSV1 } else { 0 };
                        client.try_send(&fragments(BINARY | rsv1, body, parts)).await;
                        if fits {
                            assert!(client.receive().await.1 == payload, "{name}");
                        } else {
                            assert_eq!(client.closed().await, 1009, "{name}");
                        }
                    }
                    ended(&mut bench, 1, &name).await;
                }
            }
        }
    }
}

/// A message in so many frames.
fn fragments(first: u8, payload: &[u8], count: usize) -> Vec<u8> {
    let (mut first, mut bytes) = (first, Vec::new());
    let mut parts = payload.chunks(payload.len().div_ceil(count)).peekable();
    while let Some(part) = parts.next() {
        bytes.extend(frame(if parts.peek().is_some() { first } else { first | FIN }, part));
        first = CONTINUATION;
    }
    bytes
}

/// What is cheap to send and would be dear to read: 1 MiB of blocks that hold nothing.
#[test]
fn a_million_empty_blocks() {
    alone(async {
        for takeover in [false, true] {
            let mut bench = bench(Compression::new().takeover(takeover)).await;
            for (name, block, code) in [
                ("stored blocks", &[0x00, 0x00, 0x00, 0xff, 0xff][..], None),
                ("last stored blocks", &[0x01, 0x00, 0x00, 0xff, 0xff], Some(1008)),
                ("last blocks", &[0x03, 0x00], Some(1008)),
            ] {
                let mut client = agreed(&bench).await;
                // A window to be set up for each.
                client.send(BINARY, &text(40_000, 1)).await;
                assert_eq!(client.receive().await.1.len(), 40_000);
                let mut payload = block.repeat((MIB - 10) / block.len());
                payload.push(0);
                let before = cpu();
                client.send_bytes(&frame(FIN | RSV1 | BINARY, &payload)).await;
                match code {
                    None => assert_eq!(client.receive().await.1, b""),
                    Some(code) => assert_eq!(client.closed().await, code, "{name}"),
                }
                let spent = cpu() - before;
                assert!(spent < 100, "{name}: {spent} hundredths of a second");
                drop(client);
                ended(&mut bench, if code.is_none() { 2 } else { 1 }, name).await;
            }
        }
    });
}

/// Hundredths of a second that the process has worked, in its own code.
fn cpu() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    fields.split(' ').nth(11).and_then(|ticks| ticks.parse().ok()).expect("utime")
}

/// Control frames between the frames of a compressed message are read and answered as they come.
#[tokio::test]
async fn control_frames_between_compressed_fragments() {
    for takeover in [false, true] {
        let mut bench = bench(Compression::new().takeover(takeover)).await;
        let mut client = agreed(&bench).await;
        for seed in 0..3 {
            let payload = text(50_000, seed);
            let deflated = client.deflate(&payload);
            let (one, rest) = deflated.split_at(deflated.len() / 3);
            client.send_bytes(&[frame(RSV1 | TEXT, one), frame(FIN | PING, b"1")].concat()).await;
            // Answered before the message is there.
            assert_eq!(client.frame().await.first, FIN | PONG);
            let behind = [frame(CONTINUATION, rest), frame(FIN | PONG, b"unasked"), frame(FIN | PING, b"2")];
            client.send_bytes(&behind.concat()).await;
            assert_eq!(client.frame().await.payload, b"2");
            client.send_bytes(&frame(FIN | CONTINUATION, b"")).await;
            assert_eq!(client.receive().await, (TEXT, payload, true));
        }
        // And a close frame in the middle is the end of it.
        client.send_bytes(&[frame(RSV1 | TEXT, &[0xf2]), frame(FIN | CLOSE, &[0x0f, 0xa0])].concat()).await;
        assert_eq!(client.closed().await, 4000);
        assert_eq!(bench.end().await, End { messages: 3, disconnected: true, code: Some(4000) });
        bench.nobody_noticed("control frames").await;
    }
}

#[tokio::test]
async fn what_is_no_deflate_data_closes_1007() {
    let mut bench = bench(Compression::new()).await;
    let cut = {
        let mut client = agreed(&bench).await;
        let deflated = client.deflate(&text(5_000, 1));
        drop(client);
        bench.end().await;
        deflated[..deflated.len() - 50].to_vec()
    };
    for (name, payload) in [
        ("a reserved block", &[0x07, 0x00][..]),
        ("plain text", b"Hello, Hello, Hello"),
        ("a distance too far back", &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ("a cut message", &cut),
        ("a stored block with a wrong check", &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48]),
        ("text that is not utf-8", &[0x00, 0x01, 0x00, 0xfe, 0xff, 0xff, 0x00]),
        ("text that ends inside a character", &[0x00, 0x02, 0x00, 0xfd, 0xff, 0xe2, 0x82, 0x00]),
    ] {
        let mut client = agreed(&bench).await;
        // What came before is answered.
        client.send(TEXT, b"before").await;
        client.send_bytes(&frame(FIN | RSV1 | TEXT, payload)).await;
        client.try_send(&frame(FIN | TEXT, b"behind")).await;
        assert_eq!(client.receive().await, (TEXT, b"before".to_vec(), false), "{name}");
        assert_eq!(client.closed().await, 1007, "{name}");
        ended(&mut bench, 1, name).await;
    }
}

/// RFC 7692 section 7.2.3.4.
#[tokio::test]
async fn a_last_block_is_legal() {
    for takeover in [false, true] {
        let mut bench = bench(Compression::new().takeover(takeover)).await;
        let mut client = agreed(&bench).await;
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        for _ in 0..3 {
            client.send_bytes(&frame(FIN | RSV1 | TEXT, &last)).await;
            assert_eq!(client.receive().await, (TEXT, b"Hello".to_vec(), false));
        }
        bench.nobody_noticed("a last block").await;
    }
}

#[tokio::test]
async fn reserved_bits_in_the_wrong_place_close_1002() {
    let mut bench = bench(Compression::new()).await;
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
        let mut client = agreed(&bench).await;
        client.send_bytes(&bytes).await;
        assert_eq!(client.closed().await, 1002, "{name}");
        ended(&mut bench, 0, name).await;
    }
}

/// A close frame without a code is no message: nothing compresses or decompresses it.
#[tokio::test]
async fn an_empty_close_frame() {
    for takeover in [false, true] {
        let mut bench = bench(Compression::new().takeover(takeover).threshold(0)).await;
        let mut client = agreed(&bench).await;
        client.send(TEXT, b"last words").await;
        client.send_bytes(&frame(FIN | CLOSE, b"")).await;
        assert_eq!(client.receive().await.1, b"last words");
        let close = client.frame().await;
        assert_eq!((close.first, &close.payload[..]), (FIN | CLOSE, &b""[..]));
        ended(&mut bench, 1, "an empty close frame").await;
    }
}

#[tokio::test]
async fn empty_messages() {
    for takeover in [false, true] {
        let mut bench = bench(Compression::new().takeover(takeover).threshold(0)).await;
        let mut client = agreed(&bench).await;
        for payload in [&[0x00][..], &[], &[0x02, 0x00], &[0x03, 0x00]] {
            client.send_bytes(&frame(FIN | RSV1 | TEXT, payload)).await;
            assert_eq!(client.receive().await, (TEXT, Vec::new(), false), "{payload:x?}");
        }
        client.send(TEXT, b"still here").await;
        assert_eq!(client.receive().await.1, b"still here");
        bench.nobody_noticed("empty messages").await;
    }
}
