//! Random bytes after the handshake, and good streams with a few bytes changed: each gets exactly the answers and the close
//! code that `model` derives from the RFC, and no other.

use std::{collections::BTreeSet, ops::Range};

use futures_util::{StreamExt, stream};
use sockeye::{Compression, prelude::*};

use super::{
    bytes::{BINARY, END, MIDDLE, PING, PONG, TEXT, close, frame, handshake},
    model::{Answers, answers},
    raw::{Frame, Raw},
    server::Bench,
};
use crate::deflate::client::{self, Client};

/// Connections at once.
const AT_ONCE: usize = 64;

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.below(1);
        random
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) as usize * limit) >> 32
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }

    fn text(&mut self, len: usize) -> String {
        (0..len).map(|_| ['a', 'é', '語', '🦀'][self.below(4)]).collect()
    }

    /// A few frames of a well-behaved client.
    fn stream(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..1 + self.below(6) {
            let len = [0, 5, 60, 125, 200, 3_000][self.below(6)];
            match self.below(6) {
                0 => bytes.extend(frame(PING, self.text(3))),
                1 => bytes.extend(frame(PONG, self.bytes(7))),
                2 => bytes.extend(frame(BINARY, self.bytes(len))),
                3 => bytes.extend(frame(TEXT, self.text(len))),
                _ => self.fragments(&mut bytes),
            }
        }
        if self.below(3) == 0 {
            bytes.extend(close([1000, 1001, 3000, 4999][self.below(4)], b"bye"));
        }
        bytes
    }

    fn fragments(&mut self, bytes: &mut Vec<u8>) {
        let (opcode, payload) = match self.below(2) {
            0 => (TEXT & 0x0f, self.text(50).into_bytes()),
            _ => (BINARY & 0x0f, self.bytes(100)),
        };
        let (mut first, mut parts) = (opcode, payload.chunks(1 + self.below(40)).peekable());
        while let Some(part) = parts.next() {
            bytes.extend(frame(if parts.peek().is_some() { first } else { first | END }, part));
            first = MIDDLE;
            if parts.peek().is_some() && self.below(3) == 0 {
                bytes.extend(frame(PING, self.text(2)));
            }
        }
    }

    /// Up to three places are changed; gives the first of them.
    fn mutate(&mut self, bytes: &mut Vec<u8>) -> usize {
        let mut first = usize::MAX;
        for _ in 0..self.below(4) {
            // Half of them near the start, where most headers are.
            let range = if self.below(2) == 0 { bytes.len().min(16) } else { bytes.len() };
            let at = self.below(range);
            first = first.min(at);
            match self.below(6) {
                0..=2 => bytes[at] ^= 1 << self.below(8),
                3 => bytes[at] = self.below(256) as u8,
                4 => bytes.insert(at, self.below(256) as u8),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => {}
            }
        }
        first
    }
}

fn noise(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let len = 1 + random.below(300);
    random.bytes(len)
}

fn changed(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = random.stream();
    random.mutate(&mut bytes);
    bytes
}

/// Sends each seed's bytes to a socket of its own and compares; `tcp` or in memory, in pieces or at once.
async fn compare(seeds: Range<u64>, bytes: fn(u64) -> Vec<u8>, limit: usize, tcp: bool) {
    let mut bench = Bench::with(|limits| (limits.max_message, limits.max_frame) = (limit, limit)).await;
    let count = seeds.end - seeds.start;
    let (mut messages, mut codes) = (0, BTreeSet::new());
    {
        let bench = &bench;
        let talks = seeds.map(|seed| async move {
            let bytes = bytes(seed);
            let heard = if tcp { over_tcp(bench, seed, &bytes).await } else { in_memory(bench, seed, &bytes).await };
            assert_eq!(heard, answers(&bytes, limit), "seed {seed}: {bytes:02x?}");
            heard
        });
        let mut talks = stream::iter(talks).buffer_unordered(AT_ONCE);
        while let Some(heard) = talks.next().await {
            messages += heard.messages.len();
            codes.insert(heard.close);
        }
    }
    assert_eq!(bench.calls() as u64, count);
    for _ in 0..count {
        let end = bench.end().await;
        assert!(end.disconnected);
        messages -= end.messages;
    }
    assert_eq!(messages, 0, "messages that no handler had");
    // The seeds get everywhere.
    let all = [None, Some(Some(1002)), Some(Some(1007)), Some(Some(1009))];
    assert!(tcp || all.iter().all(|code| codes.contains(code)), "{codes:?}");
    bench.nobody_noticed("random bytes").await;
}

async fn in_memory(bench: &Bench, seed: u64, bytes: &[u8]) -> Answers {
    let mut pipe = bench.pipe(64 * 1024);
    let piece = if seed % 2 == 0 { usize::MAX } else { 1 + seed as usize % 50 };
    if seed % 3 == 0 {
        pipe.send(&[&handshake("/echo"), bytes].concat()).await;
        pipe.switched().await;
    } else {
        pipe = pipe.open("/echo").await;
        for piece in bytes.chunks(piece.min(bytes.len())) {
            // It may have heard enough.
            pipe.send(piece).await;
            tokio::task::yield_now().await;
        }
    }
    pipe.finish().await;
    pipe.ended().await.into()
}

async fn over_tcp(bench: &Bench, seed: u64, bytes: &[u8]) -> Answers {
    let mut raw = Raw::open(bench.address, "/echo").await;
    if seed % 2 == 0 || bytes.len() > 500 {
        raw.send(bytes).await;
    } else {
        raw.trickle(bytes).await;
    }
    raw.finish().await;
    raw.ended().await.into()
}

#[tokio::test]
async fn ten_thousand_seeds_of_noise() {
    compare(0..10_000, noise, 100, false).await;
}

#[tokio::test]
async fn good_streams_with_changes() {
    compare(0..2_000, changed, 4_000, false).await;
}

#[tokio::test]
async fn over_a_network() {
    compare(10_000..10_200, noise, 100, true).await;
    compare(10_000..10_200, changed, 4_000, true).await;
}

/// With compression: what came before the first change is answered, and what comes of it is one of the codes.
#[tokio::test]
async fn compressed_streams_with_changes() {
    let mut codes = BTreeSet::new();
    for takeover in [false, true] {
        // Answers as they are.
        let compression = Compression::new().takeover(takeover).threshold(usize::MAX);
        let mut limits = Limits::default();
        limits.max_message = 4_000;
        let mut bench = Bench::of(App::new().limits(limits).compression(compression)).await;
        for seed in 0..250 {
            let mut random = Random::new(seed);
            let mut client = Client::connect(bench.address, "/echo", &["permessage-deflate"]).await;
            let (mut bytes, mut said) = (Vec::new(), Vec::new());
            for _ in 0..1 + random.below(5) {
                let len = [0, 30, 300, 3_000][random.below(4)];
                let (first, payload) = match random.below(3) {
                    0 => (BINARY, random.bytes(len)),
                    1 => (BINARY, client::text(len, seed)),
                    _ => (TEXT, random.text(len / 3).into_bytes()),
                };
                bytes.extend(frame(first | client::RSV1, client.deflate(&payload)));
                said.push((bytes.len(), Frame { first, payload }));
            }
            let changed = random.mutate(&mut bytes);
            client.try_send(&bytes).await;
            let heard = Answers::from(client.finish().await);
            let before = said.iter().take_while(|(end, _)| *end <= changed).map(|(_, message)| message);
            for (message, heard) in before.zip(heard.messages.iter().map(Some).chain(std::iter::repeat(None))) {
                assert_eq!(Some(message), heard, "seed {seed}, takeover: {takeover}");
            }
            if changed == usize::MAX {
                assert_eq!((heard.messages.len(), heard.close), (said.len(), None), "seed {seed}");
            }
            codes.insert(heard.close);
            let end = bench.end().await;
            assert_eq!((end.messages, end.disconnected), (heard.messages.len(), true), "seed {seed}");
        }
        bench.nobody_noticed("changes in compressed streams").await;
    }
    assert_eq!(codes, BTreeSet::from([None, Some(Some(1002)), Some(Some(1007)), Some(Some(1009))]));
}
