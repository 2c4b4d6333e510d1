//! Ours, through the door that the feature `fuzzing` opens.

use std::hint::black_box;

use common::frame::Op;
use sockeye::Message;
use sockeye::fuzzing;

use crate::{Case, Codec};

pub(crate) struct Ours {
    codec: fuzzing::Codec,
    stream: Vec<u8>,
    message: Message,
    depth: usize,
    out: Vec<u8>,
    written: usize,
}

impl Ours {
    pub(crate) fn new(case: &Case) -> Self {
        let message = match case.op {
            Op::Text => Message::text(str::from_utf8(&case.payload).expect("text")),
            _ => Message::binary(case.payload.clone()),
        };
        let codec = fuzzing::Codec::new(16 << 20);
        Self { codec, stream: case.stream.clone(), message, depth: case.depth, out: Vec::new(), written: 0 }
    }

    /// The wire has taken all.
    fn flush(&mut self) {
        self.written += black_box(&self.out).len();
        self.out.clear();
    }
}

impl Codec for Ours {
    fn receive(&mut self) {
        let mut stream = &self.stream[..];
        for _ in 0..self.depth {
            black_box(self.codec.receive(&mut stream).expect("a message"));
        }
    }

    fn send(&mut self) {
        for _ in 0..self.depth {
            fuzzing::Codec::send(&self.message, &mut self.out);
        }
        self.flush();
    }

    fn echo(&mut self) {
        let mut stream = &self.stream[..];
        for _ in 0..self.depth {
            let message = self.codec.receive(&mut stream).expect("a message");
            fuzzing::Codec::send(&message, &mut self.out);
        }
        self.flush();
    }

    fn written(&self) -> usize {
        self.written
    }
}
