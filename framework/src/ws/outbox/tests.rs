//! The queue against a stream that takes what it likes.

use std::task::Poll;

use proptest::prelude::*;

use bytes::Bytes;

use super::{flush::WRITE_AT_ONCE, *};
use crate::ws::proto::CloseCode;

/// What arrives of the outbox when the stream takes `takes` bytes a write, 0 for "would block".
fn flush(outbox: &mut Outbox, takes: &mut impl Iterator<Item = usize>, arrived: &mut Vec<u8>) {
    outbox.flush_with(|bytes| match takes.next() {
        None => {
            arrived.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }
        Some(0) => Poll::Pending,
        Some(count) => {
            let count = count.min(bytes.len());
            arrived.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }
    });
}

/// The frames in a server's bytes, as payload lengths; a rest that is no whole frame is an error.
fn frames(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while !bytes.is_empty() {
        let (size, length) = match bytes[1] {
            126 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize),
            short => (2, usize::from(short)),
        };
        bytes = &bytes[size + length..];
        lengths.push(length);
    }
    lengths
}

proptest! {
    #[test]
    fn every_frame_arrives_once_and_in_order(
        lengths in prop::collection::vec(0..3000usize, 1..40),
        takes in prop::collection::vec(0..2000usize, 0..60),
    ) {
        let (mut outbox, mut arrived) = (Outbox::default(), Vec::new());
        let mut takes = takes.into_iter();
        for length in &lengths {
            outbox.push(Op::Binary, &vec![7; *length]);
            if length % 3 == 0 {
                flush(&mut outbox, &mut takes, &mut arrived);
            }
        }
        while !outbox.is_empty() {
            flush(&mut outbox, &mut takes, &mut arrived);
        }
        prop_assert_eq!(frames(&arrived), lengths);
    }

    /// Small ones wait, large ones are written from where they are behind them, as far as the stream takes them.
    #[test]
    fn frames_in_place_stay_in_order(
        lengths in prop::collection::vec(prop_oneof![0..300usize, IN_PLACE..3 * IN_PLACE], 1..20),
        takes in prop::collection::vec(prop_oneof![0..30usize, 0..3 * IN_PLACE], 0..40),
    ) {
        let (mut outbox, mut arrived) = (Outbox::default(), Vec::new());
        let mut takes = takes.into_iter();
        for length in &lengths {
            let payload = Bytes::from(vec![7; *length]);
            if *length < IN_PLACE {
                outbox.push(Op::Binary, &payload);
                continue;
            }
            outbox.write_in_place(Op::Binary, false, &Payload::Shared(&payload), |slices| {
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
                match takes.next().unwrap_or(usize::MAX).min(all.len()) {
                    0 => Err(std::io::ErrorKind::WouldBlock.into()),
                    count => {
                        arrived.extend_from_slice(&all[..count]);
                        Ok(count)
                    }
                }
            });
            flush(&mut outbox, &mut takes, &mut arrived);
        }
        while !outbox.is_empty() {
            flush(&mut outbox, &mut takes, &mut arrived);
        }
        prop_assert!(frames(&arrived) == lengths);
    }

    #[test]
    fn dropping_what_waits_leaves_whole_frames(
        lengths in prop::collection::vec(0..300usize, 1..40),
        takes in prop::collection::vec(1..700usize, 0..8),
    ) {
        let (mut outbox, mut arrived) = (Outbox::default(), Vec::new());
        for length in &lengths {
            outbox.push(Op::Binary, &vec![7; *length]);
        }
        flush(&mut outbox, &mut takes.into_iter().chain([0]), &mut arrived);
        outbox.drop_waiting();
        outbox.push_close(None);
        flush(&mut outbox, &mut std::iter::empty(), &mut arrived);
        let left = frames(&arrived);
        let (close, whole) = left.split_last().unwrap();
        prop_assert_eq!(*close, 0);
        prop_assert_eq!(whole, &lengths[..whole.len()]);
    }
}

#[test]
fn limits_count_what_waits() {
    let limits = Limits { outbox_bytes: 100, outbox_messages: 3, ..Limits::default() };
    let mut outbox = Outbox::default();
    outbox.push(Op::Text, &[b'x'; 1000]);
    assert!(outbox.is_full(&limits), "by bytes");
    let mut arrived = Vec::new();
    flush(&mut outbox, &mut std::iter::empty(), &mut arrived);
    for _ in 0..3 {
        assert!(!outbox.is_full(&limits));
        outbox.push(Op::Text, b"x");
    }
    assert!(outbox.is_full(&limits), "by messages");
    flush(&mut outbox, &mut [3, 0].into_iter(), &mut arrived);
    assert!(!outbox.is_full(&limits), "one has left");
}

#[test]
fn nothing_follows_a_close_frame() {
    let mut outbox = Outbox::default();
    outbox.push_close(Some(&CloseFrame { code: CloseCode::NORMAL, reason: "".into() }));
    assert!(!outbox.is_open());
    outbox.push_close(None);
    let mut arrived = Vec::new();
    flush(&mut outbox, &mut std::iter::empty(), &mut arrived);
    assert_eq!(arrived, [0x88, 2, 0x03, 0xe8]);
}

/// A stream that takes nothing, or is broken, must not look like one that is only full.
#[test]
fn a_failed_write_in_place_fails_the_outbox() {
    for end in [|| Ok(0), || Err(std::io::ErrorKind::BrokenPipe.into())] {
        let mut outbox = Outbox::default();
        outbox.push(Op::Text, b"waits");
        outbox.write_in_place(Op::Binary, false, &Payload::Owned(vec![0; IN_PLACE]), |_| end());
        assert!(outbox.broken && outbox.is_empty());
    }
}

/// What the stream does not take of any part is kept, and nothing is written past it.
#[test]
fn a_very_large_frame_leaves_in_parts() {
    let payload: Bytes = (0..2 * WRITE_AT_ONCE + 5).map(|n| (n % 251) as u8).collect();
    for (short, blocks) in (0..=3).flat_map(|short| [(short, false), (short, true)]) {
        let (mut outbox, mut arrived, mut writes) = (Outbox::default(), Vec::new(), 0);
        outbox.push(Op::Text, b"waits");
        outbox.write_in_place(Op::Binary, false, &Payload::Shared(&payload), |slices| {
            let part: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            assert!(part.len() <= WRITE_AT_ONCE + 17, "{}", part.len());
            writes += 1;
            let count = match (writes == short, blocks) {
                (true, true) => return Err(std::io::ErrorKind::WouldBlock.into()),
                (true, false) => part.len() / 2,
                (false, _) => part.len(),
            };
            arrived.extend_from_slice(&part[..count]);
            Ok(count)
        });
        assert_eq!((writes, outbox.is_empty()), (if short == 0 { 3 } else { short }, short == 0));
        outbox.flush_with(|part| {
            assert!(part.len() <= WRITE_AT_ONCE, "{}", part.len());
            arrived.extend_from_slice(part);
            Poll::Ready(Ok(part.len()))
        });
        assert_eq!(frames(&arrived), [5, payload.len()]);
        assert!(arrived.ends_with(&payload));
    }
}

/// An idle outbox holds no queue.
#[test]
fn the_queue_goes_back() {
    let mut outbox = Outbox::default();
    outbox.push(Op::Text, b"x");
    assert!(!outbox.is_empty());
    flush(&mut outbox, &mut std::iter::empty(), &mut Vec::new());
    assert!(outbox.is_empty());
    assert_eq!(Queue::spare(), 1);
}

/// A peer that reads nothing costs no more after 100,000 broadcasts than after a thousand.
#[test]
fn a_stuck_peer_takes_a_bounded_memory() {
    let limits = Limits::default();
    let message = Prepared::new(Op::Text, &[b'x'; 1000], None);
    for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Disconnect] {
        let (mut outbox, tally, mut sent) = (Outbox::default(), Arc::<Tally>::default(), 0);
        for turn in 0..100_000 {
            sent += u64::from(outbox.deliver(&message, overflow, &limits, &tally) == Delivery::Sent);
            if turn == 0 {
                // A part of the first has left.
                flush(&mut outbox, &mut [7, 0].into_iter(), &mut Vec::new());
            }
            assert!(outbox.len() <= limits.outbox_bytes + message.len());
        }
        let queue = outbox.waiting.queue().unwrap();
        assert!(queue.capacity() <= 1 << 20, "{} bytes", queue.capacity());
        let kept = queue.frames() as u64;
        match overflow {
            Overflow::DropOldest => assert_eq!((sent, tally.lost()), (100_000, 100_000 - kept)),
            Overflow::DropNewest => assert_eq!((sent, tally.lost()), (kept, 100_000 - kept)),
            // The rest of the first, and the close frame.
            Overflow::Disconnect => assert_eq!((kept, tally.lost(), outbox.is_open()), (2, 1, false)),
        }
    }
}
