//! fastwebsockets. Its futures are polled once each: the wire is always ready.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use common::frame::Op;
use fastwebsockets::{FragmentCollector, Frame, Payload, Role, WebSocket};

use crate::memory::{Far, Memory};
use crate::{Case, Codec};

pub(crate) struct Fast {
    socket: FragmentCollector<Memory>,
    far: Far,
    op: Op,
    payload: Vec<u8>,
    depth: usize,
}

impl Fast {
    pub(crate) fn new(case: &Case) -> Self {
        let far = Far::default();
        let mut socket = WebSocket::after_handshake(Memory::new(case, &far), Role::Server);
        socket.set_max_message_size(16 << 20);
        Self {
            socket: FragmentCollector::new(socket),
            far,
            op: case.op,
            payload: case.payload.clone(),
            depth: case.depth,
        }
    }

    fn next(&mut self) -> Frame<'static> {
        now(self.socket.read_frame()).expect("a message")
    }
}

impl Codec for Fast {
    fn receive(&mut self) {
        self.far.rewind();
        for _ in 0..self.depth {
            black_box(self.next());
        }
    }

    fn send(&mut self) {
        for _ in 0..self.depth {
            let payload = Payload::Borrowed(&self.payload);
            let frame = if self.op == Op::Text { Frame::text(payload) } else { Frame::binary(payload) };
            now(self.socket.write_frame(frame)).expect("a wire that takes all");
        }
    }

    fn echo(&mut self) {
        self.far.rewind();
        for _ in 0..self.depth {
            let frame = self.next();
            now(self.socket.write_frame(frame)).expect("a wire that takes all");
        }
    }

    fn written(&self) -> usize {
        self.far.written()
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the wire is always ready"),
    }
}
