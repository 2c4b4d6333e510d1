//! What a peer can make us hold: as much as it has sent, up to a limit, and nothing once it is done.

use std::{sync::Arc, time::Duration};

use sockeye::{Upgrade, prelude::*};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
};

use super::{
    bytes::{BINARY, BINARY_START, MIDDLE, PING, PONG, claim, close, frame, handshake},
    raw::{Raw, soon},
    server::Bench,
};
use crate::{
    deflate::client::{self, Client},
    memory::{alone, held, most, watch},
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Each claims 1 MiB, sends a part of it, and stops.
#[test]
fn a_thousand_maximal_claims() {
    alone(async {
        let mut bench = Bench::new().await;
        for (part, limit) in [(0, 256), (60_000, 241_000)] {
            let mut open = Vec::new();
            for _ in 0..1000 {
                let mut raw = bench.open("/echo").await;
                raw.read = Vec::new();
                open.push(raw);
            }
            // The pong says that the claim, which is right behind the ping, was read.
            let mut bytes = [frame(PING, ""), claim(BINARY, MIB as u64)].concat();
            bytes.resize(bytes.len() + part, 7);
            let before = held();
            for raw in &mut open {
                raw.send(&bytes).await;
                assert_eq!(raw.frame().await.first, PONG);
                raw.read = Vec::new();
            }
            bench.nobody_noticed("a thousand claims").await;
            let grown = held().saturating_sub(before) / 1000;
            assert!(grown <= limit, "{grown} bytes a connection for a claim of 1 MiB and {part} bytes");
            assert!(grown >= part, "{grown} bytes a connection, where {part} have come");
            drop(open);
            for _ in 0..1000 {
                assert_eq!(bench.end().await.messages, 0);
            }
        }
    });
}

/// Who has sent 1 MiB before gets a buffer for more as soon as some of it has come, and none for a claim.
#[test]
fn claims_of_who_has_sent_much_before() {
    const CONNECTIONS: usize = 40;
    alone(async {
        let mut bench = Bench::new().await;
        let large = frame(BINARY, vec![7; MIB]);
        // The process may keep a buffer or two more.
        let kept = 2 * MIB / CONNECTIONS;
        for (part, limit) in [(0, KIB + kept), (10_000, 40_000 + kept), (30_000, 120_000 + kept), (100_000, 2 * MIB)] {
            let mut open = Vec::new();
            for _ in 0..CONNECTIONS {
                let mut raw = bench.open("/echo").await;
                raw.send(&large).await;
                assert_eq!(raw.frame().await.payload.len(), MIB);
                raw.read = Vec::new();
                open.push(raw);
            }
            bench.nobody_noticed("a large message each").await;
            let before = held();
            let mut bytes = claim(BINARY, MIB as u64);
            bytes.resize(bytes.len() + part, 7);
            for raw in &mut open {
                raw.send(&bytes).await;
            }
            bench.nobody_noticed("claims").await;
            let grown = held().saturating_sub(before) / CONNECTIONS;
            assert!(grown <= limit, "{grown} bytes a connection for a claim of 1 MiB and {part} bytes");
            drop(open);
            for _ in 0..CONNECTIONS {
                assert_eq!(bench.end().await.messages, 1);
            }
        }
    });
}

/// What one read has brought is decoded in the same turn, however much it is: to put it aside would take as much again.
#[test]
fn a_full_read_is_not_put_aside() {
    alone(async {
        let bench = Bench::new().await;
        let mut pipe = bench.pipe(MIB).open("/echo").await;
        // More than what a poll reads before it lets others run, which is 64 KiB.
        let batch = frame(BINARY, vec![7; 16 * KIB]).repeat(8);
        let mut echo = vec![0; 8 * (4 + 16 * KIB)];
        for round in 0..10 {
            let before = watch();
            assert!(pipe.send(&batch).await);
            pipe.stream.read_exact(&mut echo).await.expect("all echoes");
            let grown = most() - before;
            // The first ones fill what is used again.
            assert!(round < 2 || grown < 32 * KIB, "{grown} bytes in round {round}");
        }
    });
}

/// 131,072 frames without a byte.
#[test]
fn empty_fragments_hold_nothing() {
    alone(async {
        let mut bench = Bench::new().await;
        let some = frame(MIDDLE, "").repeat(1000);
        let mut pipe = bench.pipe(4096).open("/echo").await;
        pipe.send(&frame(BINARY_START, "")).await;
        pipe.send(&some).await;
        let before = watch();
        for _ in 0..129 {
            pipe.send(&some).await;
        }
        let grown = most() - before;
        assert!(grown < 4 * KIB, "{grown} bytes");
        bench.nobody_noticed("empty fragments").await;
    });
}

/// A peer that sends pings and reads no pong.
#[test]
fn unread_pongs_fill_the_outbox_and_no_more() {
    alone(async {
        let mut bench = Bench::new().await;
        let mut pipe = bench.pipe(1024).open("/echo").await;
        let pings = frame(PING, [b'p'; 125]).repeat(100);
        let before = watch();
        for _ in 0..1000 {
            assert!(pipe.send(&pings).await);
        }
        bench.nobody_noticed("pongs that nobody reads").await;
        // The default, once more while it moves, and where its frames end.
        let grown = most() - before;
        assert!(grown < 3 * 256 * KIB, "{grown} bytes");
        pipe.send(&close(1000, b"")).await;
        let ended = pipe.ended().await;
        assert_eq!(ended.close, Some(Some(1000)));
        assert!((1_000..10_000).contains(&ended.frames.len()), "{} pongs", ended.frames.len());
    });
}

/// An outbox that takes little is no reason to leave a peer that reads without its pongs.
#[test]
fn a_small_outbox_answers_every_ping() {
    alone(async {
        let mut bench = Bench::with(|limits| limits.outbox_bytes = 20 * KIB).await;
        let mut raw = bench.open("/echo").await;
        raw.send(frame(PING, [b'p'; 125]).repeat(250)).await;
        for ping in 0..250 {
            assert_eq!(raw.frame().await.first, PONG, "{ping}");
        }
        bench.nobody_noticed("many pings").await;
    });
}

/// 1 MiB each way, plain and compressed, and the connections hold what they held before.
#[test]
fn idle_connections_hold_nothing_of_what_they_did() {
    const CONNECTIONS: usize = 5;
    alone(async {
        let mut bench = Bench::new().await;
        let large = Large::new();
        let empty = held();
        // What belongs to the thread comes with the first, and the buffers that the process keeps.
        let mut first = Client::connect(bench.address, "/echo", &["permessage-deflate"]).await;
        for _ in 0..3 {
            large.exchange(&mut first).await;
        }
        drop(first);
        bench.end().await;
        bench.nobody_noticed("the first").await;
        let pooled = held().saturating_sub(empty);
        assert!(pooled < 5 * MIB, "{pooled} bytes are kept");

        let mut open = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut client = Client::connect(bench.address, "/echo", &["permessage-deflate"]).await;
            // Its compressors are there from now on.
            client.send(client::TEXT, b"x").await;
            client.receive().await;
            open.push(client);
        }
        let before = held();
        for client in &mut open {
            large.exchange(client).await;
        }
        bench.nobody_noticed("large messages").await;
        let grown = held().saturating_sub(before) / CONNECTIONS;
        assert!(grown < KIB, "{grown} bytes a connection");
    });
}

/// Large messages, and the frames of two that go plain.
struct Large {
    text: Vec<u8>,
    plain: [Vec<u8>; 2],
}

impl Large {
    fn new() -> Self {
        let text = client::text(MIB, 1);
        // Noise does not become smaller, so it comes back as it is.
        let plain = [&text, &client::noise(MIB, 1)].map(|payload| client::frame(client::FIN | client::BINARY, payload));
        Self { text, plain }
    }

    async fn exchange(&self, client: &mut Client) {
        client.send(client::TEXT, &self.text).await;
        let (_, echo, compressed) = client.receive().await;
        assert!(compressed && echo == self.text);
        for (frame, compressed) in self.plain.iter().zip([true, false]) {
            client.send_bytes(frame).await;
            let (_, echo, was) = client.receive().await;
            assert_eq!((echo.len(), was), (MIB, compressed));
        }
    }
}

/// A socket that is closed and a connection that never became one leave nothing behind.
#[test]
fn what_ends_is_gone() {
    alone(async {
        let mut bench = Bench::new().await;
        let mut before = None;
        for round in 0..12 {
            for _ in 0..10 {
                let mut raw = bench.open("/echo").await;
                raw.send(frame(BINARY, vec![1; 100_000])).await;
                raw.frame().await;
                raw.send([frame(BINARY_START, "never ended"), close(1000, b"")].concat()).await;
                assert_eq!(raw.ended().await.close, Some(Some(1000)));
                bench.end().await;
                let mut raw = Raw::connect(bench.address).await;
                raw.send("GET / HT").await;
                raw.finish().await;
                raw.rest().await;
            }
            bench.nobody_noticed("who has gone").await;
            // The first rounds fill what the thread keeps.
            let now = held();
            if round == 5 {
                before = Some(now);
            }
            if let Some(before) = before {
                assert!(now < before + 32 * KIB, "{before} bytes, then {now}");
            }
        }
    });
}

#[websocket("/late")]
async fn late(up: Upgrade, accepts: State<Arc<Notify>>) -> Result<()> {
    accepts.notified().await;
    let mut ws = up.accept().await;
    while let Some(message) = ws.next().await {
        ws.send_text(message?.len().to_string()).await?;
    }
    Ok(())
}

/// Frames behind a handshake that is not answered yet wait at the client, but for what the parser of the head takes.
#[test]
fn frames_before_the_answer() {
    alone(async {
        let accepts = Arc::new(Notify::new());
        let mut bench = Bench::of(App::new().state(accepts.clone()).route(late)).await;
        let raw = Raw::connect(bench.address).await;
        let bytes = [handshake("/late"), frame(BINARY, vec![1; 500_000]).repeat(40)].concat();
        let before = watch();
        let (mut read, mut write) = raw.stream.into_split();
        let sends = tokio::spawn(async move { write.write_all(&bytes).await.map(|()| write) });
        // Time for as much as will go.
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.nobody_noticed("frames before the answer").await;
        let grown = most() - before;
        assert!(grown < MIB, "{grown} bytes");
        assert!(!sends.is_finished(), "20 MB went somewhere");
        accepts.notify_one();
        let mut heard = Vec::new();
        while !heard.ends_with(b"\x81\x06500000".repeat(40).as_slice()) {
            assert!(soon("the answers", read.read_buf(&mut heard)).await.expect("can't read") > 0);
        }
        soon("the rest", sends).await.expect("no panic").expect("can't send");
    });
}
