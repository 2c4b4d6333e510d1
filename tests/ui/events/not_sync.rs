//! Threads share the handler.

use sockeye::prelude::*;

struct Chat {
    count: std::cell::Cell<u32>,
}

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) {
        self.count.set(1);
    }
}

fn main() {}
