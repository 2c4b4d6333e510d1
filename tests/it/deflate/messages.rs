//! Compressed messages there and back.

use sockeye::Compression;

use super::client::{BINARY, CONTINUATION, Client, FIN, PING, PONG, RSV1, TEXT, frame, noise, serve, text};

/// Every way to agree.
const OFFERS: [&str; 7] = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=12; server_no_context_takeover",
];

#[tokio::test]
async fn all_sizes_in_all_modes() {
    for ours in [
        Compression::new(),
        Compression::new().takeover(true),
        Compression::new().takeover(true).window_bits(10).level(9),
        Compression::new().takeover(true).threshold(0).level(1),
        Compression::new().level(0),
    ] {
        let server = serve(ours).await;
        for offer in OFFERS {
            let mut client = Client::agreed(&server, offer).await;
            for (seed, len) in [0, 1, 255, 256, 1_000, 1_000, 16_384, 100_000, 3, 1_000].into_iter().enumerate() {
                for (opcode, payload) in [(TEXT, text(len, seed as u64)), (BINARY, noise(len, seed as u64))] {
                    client.send(opcode, &payload).await;
                    let (kind, echo, _) = client.receive().await;
                    assert!((kind, &echo) == (opcode, &payload), "{ours:?} {offer} {len}");
                }
            }
        }
    }
}

/// A message that is not worth it is sent plain, and what is sent plain has not gone through the compressor: the peer's
/// window would not have it.
#[tokio::test]
async fn plain_messages_between_compressed_ones() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover)).await;
        let mut client = Client::agreed(&server, "permessage-deflate").await;
        for seed in 0..200 {
            let len = seed as usize * 37 % 600;
            let payload = text(len, seed / 4);
            if seed % 3 == 0 {
                client.send_bytes(&frame(FIN | BINARY, &payload)).await;
            } else {
                client.send(BINARY, &payload).await;
            }
            assert_eq!(client.receive().await, (BINARY, payload, len >= 256), "message {seed}");
        }
    }
}

/// Takeover is used where it was agreed on, and only there.
#[tokio::test]
async fn takeover_makes_the_same_message_smaller() {
    let sizes = async |ours, offer| {
        let server = serve(ours).await;
        let mut client = Client::agreed(&server, offer).await;
        let payload = text(2_000, 1);
        let mut sizes = Vec::new();
        for _ in 0..3 {
            client.send(TEXT, &payload).await;
            sizes.push(client.frame().await.payload.len());
        }
        sizes
    };
    let with = sizes(Compression::new().takeover(true), "permessage-deflate").await;
    assert!(with[1] < with[0] / 4 && with[2] < with[0] / 4, "{with:?}");
    for (ours, offer) in [
        (Compression::new(), "permessage-deflate"),
        (Compression::new().takeover(true), "permessage-deflate; server_no_context_takeover"),
    ] {
        let without = sizes(ours, offer).await;
        assert_eq!(without, [without[0]; 3]);
    }
}

/// RSV1 is on the first frame of a message; control frames come between and are never compressed (RFC 7692 section 6.1).
#[tokio::test]
async fn fragments_with_pings_between() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover)).await;
        let mut client = Client::agreed(&server, "permessage-deflate").await;
        for size in [1, 2, 7, 100, 5_000] {
            let payload = text(3_000, size as u64);
            let deflated = client.deflate(&payload);
            let mut bytes = frame(RSV1 | TEXT, b"");
            for part in deflated.chunks(size) {
                bytes.extend(frame(CONTINUATION, part));
                bytes.extend(frame(FIN | PING, b"there?"));
            }
            bytes.extend(frame(FIN | CONTINUATION, b""));
            client.send_bytes(&bytes).await;
            for _ in 0..deflated.chunks(size).len() {
                let pong = client.frame().await;
                assert_eq!((pong.first, &pong.payload[..]), (FIN | PONG, &b"there?"[..]));
            }
            assert_eq!(client.receive().await, (TEXT, payload, true));
        }
    }
}

#[tokio::test]
async fn sixteen_mebibytes() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover)).await;
        let mut client = Client::agreed(&server, "permessage-deflate").await;
        for payload in [text(16 << 20, 1), vec![0; 16 << 20]] {
            client.send(BINARY, &payload).await;
            let (opcode, echo, compressed) = client.receive().await;
            assert!(opcode == BINARY && compressed && echo == payload);
        }
    }
}

/// What does not become smaller is sent as it is, where nothing refers to it.
#[tokio::test]
async fn noise_goes_plain_without_takeover() {
    for takeover in [false, true] {
        let server = serve(Compression::new().takeover(takeover)).await;
        let mut client = Client::agreed(&server, "permessage-deflate").await;
        for seed in 0..5 {
            let payload = noise(5_000, seed);
            client.send(BINARY, &payload).await;
            assert_eq!(client.receive().await, (BINARY, payload, takeover));
        }
    }
}
