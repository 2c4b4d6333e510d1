//! However a stream is cut, through whichever buffer it comes: the same events, the same verdict, and the verdict at the
//! first byte that allows it.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sockeye::fuzzing::{Limits, decode};
use sockeye_fuzz::Frame;

/// Every check decodes the stream anew.
const LONGEST: usize = 128 * 1024;

/// Byte by byte only this much, for the sake of speed.
const TRICKLED: usize = 2 * 1024;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    rules: Rules,
    sizes: [u16; 4],
    pieces: Vec<Piece<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Rules {
    Wide {
        rsv1: bool,
    },
    /// Small enough to be broken.
    Narrow {
        message: u16,
        frame: u16,
        fragments: u8,
        rsv1: bool,
    },
}

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Frame(Frame<'a>),
    Another(Frame<'a>),
    /// Anything, half a frame too.
    Raw(&'a [u8]),
}

impl Rules {
    fn limits(&self) -> Limits {
        match *self {
            Self::Wide { rsv1 } => (1 << 20, 1 << 20, 65_536, rsv1),
            Self::Narrow { message, frame, fragments, rsv1 } => (message.into(), frame.into(), fragments.into(), rsv1),
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let mut stream = Vec::new();
    for piece in &input.pieces {
        match piece {
            Piece::Frame(frame) | Piece::Another(frame) => frame.put(&mut stream),
            Piece::Raw(bytes) => stream.extend_from_slice(bytes),
        }
        if stream.len() > LONGEST {
            break;
        }
    }
    check(input.rules.limits(), &stream, &input.sizes.map(usize::from));
});

fn check(limits: Limits, stream: &[u8], sizes: &[usize]) {
    let whole = decode(limits, stream, &[], false);
    if let Some((code, text)) = &whole.error {
        assert!(matches!(code, 1002 | 1007 | 1008 | 1009), "{code} {text}");
    }
    let mut ways = vec![(sizes, false), (sizes, true)];
    if stream.len() <= TRICKLED {
        ways.push((&[1], false));
    }
    for (sizes, direct) in ways {
        let split = decode(limits, stream, sizes, direct);
        assert_eq!(split.said, whole.said, "{sizes:?}, direct: {direct}");
        assert_eq!(split.error, whole.error, "{sizes:?}, direct: {direct}");
        if split.error.is_none() {
            assert_eq!(split.inside, whole.inside, "{sizes:?}, direct: {direct}");
        }
    }
    if stream.len() > TRICKLED {
        return;
    }
    // Bytes that do not matter any more are not waited for.
    let trickled = decode(limits, stream, &[1], true);
    if trickled.error.is_some() {
        assert_eq!(decode(limits, &stream[..trickled.fed], &[], false).error, trickled.error);
        assert_eq!(decode(limits, &stream[..trickled.fed - 1], &[], false).error, None);
    }
}
