//! A type is one handler.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) {}
}

#[websocket("/other")]
impl Chat {
    async fn close(&self, peer: &Peer) {}
}

fn main() {}
