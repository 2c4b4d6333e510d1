//! The codecs alone, for callgrind: bytes of a client to messages, and messages to bytes for the wire.
//!
//! Each case is one call of [`measured`], after a warm-up. The runner has callgrind count only in there, and write a part
//! when it is left. A line for each case goes to stdout, in the same order: codec, direction, kind, size, messages in
//! a batch, messages in all.

mod fastwebsockets;
mod memory;
mod ours;
mod tungstenite;

use common::frame::{self, Op};

use crate::memory::Copied;

const SIZES: [usize; 3] = [20, 1024, 16 * 1024];
const DEPTHS: [usize; 2] = [1, 16];
/// Enough for every buffer to have its size.
const WARM_UP: usize = 5;
const BATCHES: usize = 100;
/// A long batch is steady sooner than a short one.
const BYTES: usize = 1 << 20;

/// What is exchanged.
struct Case {
    op: Op,
    /// How many messages arrive in one read, and leave in one write.
    depth: usize,
    payload: Vec<u8>,
    /// The masked frames of a batch.
    stream: Vec<u8>,
}

/// One codec, with what it keeps for a connection. Each method does one batch.
trait Codec {
    fn receive(&mut self);
    fn send(&mut self);
    fn echo(&mut self);
    /// Bytes given to the wire so far.
    fn written(&self) -> usize;
}

fn main() {
    for op in [Op::Text, Op::Binary] {
        for size in SIZES {
            for depth in DEPTHS {
                let payload = frame::payload(op, size);
                let stream = frame::masked(op, false, &payload).repeat(depth);
                let case = Case { op, depth, payload, stream };
                // What the kernel does in a server: taken off all others.
                run("copy", &case, &mut Copied::new(&case));
                run("sockeye", &case, &mut ours::Ours::new(&case));
                run("tungstenite", &case, &mut tungstenite::Tungstenite::new(&case, None));
                run("tungstenite-4k", &case, &mut tungstenite::Tungstenite::new(&case, Some(4096)));
                run("fastwebsockets", &case, &mut fastwebsockets::Fast::new(&case));
            }
        }
    }
}

fn run(name: &str, case: &Case, codec: &mut dyn Codec) {
    let Case { op, depth, payload, stream } = case;
    let works: [(&str, fn(&mut dyn Codec)); 3] =
        [("receive", |codec| codec.receive()), ("send", |codec| codec.send()), ("echo", |codec| codec.echo())];
    let reply = frame::plain(*op, payload).len() * depth;
    let batches = (BYTES / stream.len()).clamp(1, BATCHES);
    for (direction, work) in works {
        let before = codec.written();
        (0..WARM_UP).for_each(|_| work(codec));
        let expected = if direction == "receive" || name == "copy" { 0 } else { reply * WARM_UP };
        assert_eq!(codec.written() - before, expected, "{name} {direction}");
        measured(batches, codec, work);
        println!("{name} {direction} {op:?} {} {depth} {}", payload.len(), batches * depth);
    }
}

/// Callgrind counts in here and writes a part when it is left.
#[inline(never)]
fn measured(batches: usize, codec: &mut dyn Codec, work: fn(&mut dyn Codec)) {
    for _ in 0..batches {
        work(codec);
    }
}
