//! Both halves against each other, against flate2 used on its own, and against the examples of the RFC.

mod strict;

use std::mem;

use flate2::{Compress, FlushCompress};
use proptest::prelude::*;

use super::{
    inflater::{BYTES_A_RESTART, FREE_RESTARTS},
    *,
};
use crate::{
    config::Compression,
    ws::proto::{CloseCode, Message, ProtocolError},
};

const LIMIT: usize = 1 << 20;

fn agreed(offer: &str, ours: Compression) -> Agreed {
    negotiate([offer.as_bytes()], &ours).expect("an acceptable offer")
}

fn plain() -> Inflater {
    agreed("permessage-deflate", Compression::new()).inflater()
}

fn with_takeover() -> Inflater {
    agreed("permessage-deflate", Compression::new().takeover(true)).inflater()
}

fn inflate(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, ProtocolError> {
    inflater.inflate(false, payload, LIMIT).map(|message| message.into_bytes().to_vec())
}

fn code(result: Result<Vec<u8>, ProtocolError>) -> u16 {
    result.expect_err("an error").code().as_u16()
}

/// Bytes that compress, but not to nothing.
fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    let mut out = Vec::new();
    while out.len() < len {
        out.extend(format!("{{\"id\":{},\"text\":\"hello {}\"}},", next(), next() % 10).bytes());
    }
    out.truncate(len);
    out
}

/// Bytes that do not compress.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(next).collect()
}

/// A peer's compressor, on flate2 alone.
struct Peer(Compress);

impl Peer {
    fn new(bits: u8) -> Self {
        Self(Compress::new_with_window_bits(flate2::Compression::new(6), false, bits))
    }

    fn send(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() * 2 + 100);
        self.0.compress_vec(payload, &mut out, FlushCompress::Sync).unwrap();
        out.truncate(out.len() - 4);
        out
    }

    /// The same as a last block (§7.2.3.4).
    fn send_last(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(payload.len() * 2 + 100);
        self.0.compress_vec(payload, &mut out, FlushCompress::Finish).unwrap();
        self.0.reset();
        out
    }
}

#[test]
fn the_examples_of_the_rfc() {
    // §7.2.3.1 to §7.2.3.6.
    let hello: [&[u8]; 4] = [
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        // Without compression.
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        // A last block.
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        // Two blocks.
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ];
    for payload in hello {
        for mut inflater in [plain(), with_takeover()] {
            assert_eq!(inflate(&mut inflater, payload).unwrap(), b"Hello", "{payload:x?}");
            assert_eq!(inflate(&mut inflater, payload).unwrap(), b"Hello", "{payload:x?}");
        }
    }
    // §7.2.3.2: the second message refers to the first, and can't be read without it.
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut inflater = with_takeover();
    assert_eq!(inflate(&mut inflater, hello[0]).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &again).unwrap(), b"Hello");
    let mut inflater = plain();
    assert_eq!(inflate(&mut inflater, hello[0]).unwrap(), b"Hello");
    assert_eq!(code(inflate(&mut inflater, &again)), 1007);
    // §7.2.3.6: an empty message. No byte at all is not what it says there, but can mean nothing else.
    for payload in [&[0x00][..], &[]] {
        assert_eq!(inflate(&mut plain(), payload).unwrap(), b"");
    }
}

#[test]
fn last_blocks_do_not_end_the_context() {
    // §7.2.3.4. Behind a last block zlib forgets; what the client's messages refer to is still there.
    let (one, two) = (text(40_000, 1), text(3_000, 2));
    let (mut peer, mut inflater) = (Peer::new(15), with_takeover());
    assert_eq!(inflate(&mut inflater, &peer.send(&one)).unwrap(), one);
    let last = peer.send_last(&two);
    assert_eq!(inflate(&mut inflater, &[&last[..], &[0]].concat()).unwrap(), two);
    let window = [&one[one.len() + two.len() - (1 << 15)..], &two].concat();
    peer.0.set_dictionary(&window).unwrap();
    // zlib does not go back quite as far as its window.
    let refers = peer.send(&window[1_000..]);
    assert!(refers.len() < 1_000, "{}", refers.len());
    assert_eq!(inflate(&mut inflater, &refers).unwrap(), window[1_000..]);
    // Several in one message, with and without the empty block that should follow.
    let mut peer = Peer::new(15);
    let many: Vec<u8> = (0..50).flat_map(|seed| peer.send_last(&text(700, seed))).collect();
    let expected: Vec<u8> = (0..50).flat_map(|seed| text(700, seed)).collect();
    for mut inflater in [plain(), with_takeover()] {
        assert_eq!(inflate(&mut inflater, &many).unwrap(), expected);
        assert_eq!(inflate(&mut inflater, &[&many[..], &[0]].concat()).unwrap(), expected);
    }
}

/// Each costs a start with a full window, some 10 µs: at 2 bytes a piece, 1 MiB of them would take seconds.
#[test]
fn last_blocks_are_counted() {
    const LEN: usize = 60_000;
    let start = Peer::new(15).send_last(&text(40_000, 1));
    let most = FREE_RESTARTS + LEN / BYTES_A_RESTART;
    for block in [&[0x03, 0x00][..], &[0x01, 0x00, 0x00, 0xff, 0xff]] {
        // Behind them a stored block up to the length, and the empty one.
        let payload = |blocks: usize| {
            let blocks = block.repeat(blocks - 1);
            let stored = noise(LEN - start.len() - blocks.len() - 6, 1);
            let len = stored.len() as u16;
            [&start[..], &blocks, &[0], &len.to_le_bytes(), &(!len).to_le_bytes(), &stored, &[0]].concat()
        };
        assert_eq!(payload(most).len(), LEN);
        for mut inflater in [plain(), with_takeover()] {
            assert!(inflate(&mut inflater, &payload(most)).is_ok());
            assert_eq!(code(inflate(&mut inflater, &payload(most + 1))), 1008);
        }
    }
}

#[test]
fn corrupt_data_is_an_error() {
    let good = Peer::new(15).send(&text(5_000, 3));
    for cut in 1..good.len() {
        assert_eq!(code(inflate(&mut plain(), &good[..cut])), 1007, "cut at {cut}");
    }
    // A block of the reserved kind, a distance too far back, a stored block with a wrong length, more behind the end.
    for payload in
        [&[0x07, 0x00][..], &[0x02, 0x04, 0x00], &[0x00, 0x05, 0x00, 0x00, 0x00, 0x48], b"Hello", &[0xff; 40]]
    {
        assert_eq!(code(inflate(&mut plain(), payload)), 1007, "{payload:x?}");
    }
    // The thread's decompressor is as good as before.
    assert_eq!(inflate(&mut plain(), &good).unwrap(), text(5_000, 3));
}

#[test]
fn text_is_checked_after_decompression() {
    let mut inflater = plain();
    let mut receive = |bytes: &[u8]| inflater.inflate(true, &Peer::new(15).send(bytes), LIMIT);
    assert_eq!(receive("κόσμε".as_bytes()).unwrap(), Message::text("κόσμε"));
    for bad in [&b"abc\xff"[..], b"\xed\xa0\x80", b"cut \xe2\x82"] {
        assert_eq!(receive(bad).unwrap_err().code(), CloseCode::INVALID_PAYLOAD);
    }
}

#[test]
fn the_limit_holds_while_inflating() {
    let limits = [0, 1, 100, 16_383, 16_384, 16_385, 65_536, 1 << 20];
    for limit in limits {
        for over in [0, 1, 500_000] {
            let payload = [Peer::new(15).send(&vec![0; limit + over]), Peer::new(15).send(&text(limit + over, 4))];
            for payload in payload {
                let result = plain().inflate(false, &payload, limit);
                match over {
                    0 => assert_eq!(result.unwrap().len(), limit),
                    _ => assert_eq!(result.unwrap_err().code(), CloseCode::TOO_LARGE, "{limit} {over}"),
                }
            }
        }
    }
}

#[test]
fn buffers_fit_what_is_in_them() {
    for (payload, most) in [(text(100, 5), 100), (text(16_000, 5), 16_000), (text(300_000, 5), 600_000)] {
        let message = plain().inflate(false, &Peer::new(15).send(&payload), LIMIT).unwrap();
        let bytes: Vec<u8> = message.into_bytes().into();
        assert!(bytes == payload && bytes.capacity() <= most, "{} for {}", bytes.capacity(), payload.len());
    }
}

#[test]
fn without_takeover_nothing_is_held() {
    let ours = Compression::new().threshold(0);
    let agreed = agreed("permessage-deflate; client_max_window_bits", ours);
    let (mut deflater, mut inflater) = (agreed.deflater(), agreed.inflater());
    for seed in 0..10 {
        let payload = text(2_000, seed);
        let sent = deflater.deflate(&payload).unwrap();
        assert!(sent.len() < payload.len() / 2);
        assert_eq!(inflate(&mut inflater, &sent).unwrap(), payload);
    }
    assert_eq!(deflater.held(), 0);
    assert_eq!(inflater.held(), 0);
    assert!(mem::size_of::<Option<Deflater>>() <= 16 && mem::size_of::<Option<Inflater>>() <= 16);
}

#[test]
fn with_takeover_the_window_is_held() {
    for (bits, most) in [(9, 512), (11, 2_048), (15, 32_768)] {
        let ours = Compression::new().takeover(true).window_bits(bits);
        let agreed = agreed("permessage-deflate; client_max_window_bits", ours);
        let (mut peer, mut inflater) = (Peer::new(bits), agreed.inflater());
        let mut largest = 0;
        for seed in 0..200 {
            let payload = text(seed as usize * 7, seed);
            assert_eq!(inflate(&mut inflater, &peer.send(&payload)).unwrap(), payload);
            largest = largest.max(inflater.held());
        }
        assert_eq!(largest, most);
    }
}

#[test]
fn what_does_not_become_smaller_is_sent_as_it_is_only_without_takeover() {
    let payload = noise(1_000, 1);
    assert!(agreed("permessage-deflate", Compression::new()).deflater().deflate(&payload).is_none());
    let agreed = agreed("permessage-deflate", Compression::new().takeover(true));
    let (mut deflater, mut inflater) = (agreed.deflater(), agreed.inflater());
    let sent = deflater.deflate(&payload).expect("what was compressed is sent").to_vec();
    assert!(sent.len() >= payload.len());
    assert_eq!(inflate(&mut inflater, &sent).unwrap(), payload);
    let again = deflater.deflate(&payload).unwrap().to_vec();
    assert!(again.len() < 100, "it refers to the first: {}", again.len());
    assert_eq!(inflate(&mut inflater, &again).unwrap(), payload);
}

#[test]
fn the_threshold_is_looked_at_before() {
    let deflater = agreed("permessage-deflate", Compression::new()).deflater();
    assert!(!deflater.takes(255) && deflater.takes(256));
    // zlib gives nothing for two flushes in a row.
    let deflater = agreed("permessage-deflate", Compression::new().threshold(0)).deflater();
    assert!(!deflater.takes(0) && deflater.takes(1));
}

#[test]
fn all_levels_and_windows_are_read_by_a_strict_peer() {
    for bits in 9..=15 {
        for (level, takeover) in (0..=9).flat_map(|level| [(level, false), (level, true)]) {
            let ours = Compression::new().takeover(takeover).window_bits(bits).level(level).threshold(0);
            let mut deflater = agreed("permessage-deflate", ours).deflater();
            let mut received = Vec::new();
            for (seed, len) in [1, 3_000, 700, 2, (1 << bits) + 5_000, 3_000].into_iter().enumerate() {
                let payload = text(len, seed as u64);
                let Some(sent) = deflater.deflate(&payload) else {
                    assert!(!takeover);
                    continue;
                };
                if !takeover {
                    received.clear();
                }
                strict::inflate(&sent, 1 << bits, &mut received);
                assert!(received.ends_with(&payload), "{bits} {level} {takeover} {len}");
            }
        }
    }
}

proptest! {
    /// Whatever is sent is received, by our own other half and by flate2 used in the plainest way.
    #[test]
    fn inflating_undoes_deflating(
        bits in 9u8..=15, level in 0u8..=9, takeover: bool,
        messages in prop::collection::vec((0usize..50_000, any::<u64>(), any::<bool>()), 1..8),
    ) {
        let ours = Compression::new().takeover(takeover).window_bits(bits).level(level).threshold(0);
        let agreed = agreed("permessage-deflate; client_max_window_bits", ours);
        let (mut deflater, mut inflater) = (agreed.deflater(), agreed.inflater());
        for (len, seed, compresses) in messages {
            let payload = if compresses { text(len, seed) } else { noise(len, seed) };
            if !deflater.takes(len) {
                continue;
            }
            if let Some(sent) = deflater.deflate(&payload) {
                prop_assert_eq!(inflate(&mut inflater, &sent).unwrap(), payload);
            }
        }
    }

    /// No input makes it panic, give more than the limit or spoil what comes after.
    #[test]
    fn any_bytes_give_a_message_or_an_error(payload in prop::collection::vec(any::<u8>(), 0..600), takeover: bool) {
        let mut inflater = if takeover { with_takeover() } else { plain() };
        match inflater.inflate(false, &payload, 1000) {
            Ok(message) => prop_assert!(message.len() <= 1000),
            Err(error) => prop_assert!(matches!(error.code().as_u16(), 1007 | 1009)),
        }
        prop_assert_eq!(inflate(&mut plain(), &Peer::new(15).send(&payload)).unwrap(), payload);
    }
}
