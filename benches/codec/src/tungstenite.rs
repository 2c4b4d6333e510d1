//! tungstenite, which axum and rocket_ws use.

use std::hint::black_box;

use bytes::Bytes;
use common::frame::Op;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use crate::memory::{Far, Memory};
use crate::{Case, Codec};

pub(crate) struct Tungstenite {
    socket: WebSocket<Memory>,
    far: Far,
    message: Message,
    depth: usize,
}

impl Tungstenite {
    /// `read_buffer`: it is zeroed before each read. The default is 128 KiB.
    pub(crate) fn new(case: &Case, read_buffer: Option<usize>) -> Self {
        let payload = Bytes::from(case.payload.clone());
        let message = match case.op {
            Op::Text => Message::Text(payload.try_into().expect("text")),
            _ => Message::Binary(payload),
        };
        let mut config = WebSocketConfig::default();
        if let Some(size) = read_buffer {
            config = config.read_buffer_size(size);
        }
        let far = Far::default();
        let socket = WebSocket::from_raw_socket(Memory::new(case, &far), Role::Server, Some(config));
        Self { socket, far, message, depth: case.depth }
    }
}

impl Codec for Tungstenite {
    fn receive(&mut self) {
        self.far.rewind();
        for _ in 0..self.depth {
            black_box(self.socket.read().expect("a message"));
        }
    }

    fn send(&mut self) {
        for _ in 0..self.depth {
            self.socket.write(self.message.clone()).expect("room");
        }
        self.socket.flush().expect("a wire that takes all");
    }

    fn echo(&mut self) {
        self.far.rewind();
        for _ in 0..self.depth {
            let message = self.socket.read().expect("a message");
            self.socket.write(message).expect("room");
        }
        self.socket.flush().expect("a wire that takes all");
    }

    fn written(&self) -> usize {
        self.far.written()
    }
}
