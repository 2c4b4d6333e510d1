//! permessage-deflate: what we compress comes back, and whatever a peer sends instead gives what another inflate makes of
//! it, or an error, and never more than the limit.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};
use sockeye::{Compression, fuzzing::Deflate};

/// What the sender leaves out, and an empty last block, at which the other inflate stops.
const TAIL: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// More than any input should be able to ask for.
const LIMIT: usize = 1 << 20;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    takeover: bool,
    bits: u8,
    level: u8,
    limit: u16,
    /// Compressed here, or taken as if they were.
    messages: Vec<(bool, u8, &'a [u8])>,
}

fuzz_target!(|input: Input<'_>| {
    let (bits, level) = (9 + input.bits % 7, input.level % 10);
    let compression = Compression::new().takeover(input.takeover).window_bits(bits).level(level).threshold(1);
    let offer = "permessage-deflate; client_max_window_bits";
    let mut pair = Deflate::agree(offer, &compression).expect("a plain offer");
    // The broken ones get a connection of their own: they would be its end.
    let broken = || Deflate::agree("permessage-deflate", &Compression::new()).expect("a plain offer");
    for (ours, times, payload) in input.messages {
        if ours {
            let message = payload.repeat(usize::from(times));
            let Some(deflated) = pair.deflate(&message) else { continue };
            let inflated = pair.inflate(false, &deflated, LIMIT);
            assert_eq!(inflated.expect("it is ours").as_bytes(), message);
            foreign(&mut broken(), &deflated, usize::from(input.limit));
        } else {
            foreign(&mut broken(), payload, usize::from(input.limit));
        }
    }
});

/// No context: the message stands for itself.
fn foreign(deflate: &mut Deflate, payload: &[u8], limit: usize) {
    let ours = deflate.inflate(false, payload, limit);
    if let Err(code) = ours {
        assert!(matches!(code, 1002 | 1007 | 1008 | 1009), "{code}");
    }
    let text = deflate.inflate(true, payload, limit);
    match (&ours, &text) {
        (Ok(bytes), Ok(text)) => assert_eq!(bytes.as_bytes(), text.as_bytes()),
        (Ok(bytes), Err(code)) => assert!(*code == 1007 && std::str::from_utf8(bytes.as_bytes()).is_err()),
        (Err(one), Err(two)) => assert_eq!(one, two),
        (Err(code), Ok(_)) => panic!("{code} only as binary"),
    }
    if payload.is_empty() {
        return;
    }
    // It stops at the first last block, even in the middle, where we go on (RFC 7692 §7.2.3.4): a prefix, then.
    let theirs = decompress_to_vec_with_limit(&[payload, &TAIL].concat(), limit);
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            assert!(ours.len() <= limit && ours.as_bytes().starts_with(&theirs), "{ours:?} {theirs:?}");
        }
        (Ok(ours), Err(error)) => panic!("{ours:?}, theirs: {error:?}"),
        (Err(code), Err(error)) => assert!(code != 1009 || error.status == TINFLStatus::HasMoreOutput, "{error:?}"),
        // Behind a last block in the middle may come anything.
        (Err(_), Ok(_)) => {}
    }
}
