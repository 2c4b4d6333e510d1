//! A handler is one type.

use sockeye::prelude::*;

struct Chat<T>(T);

#[websocket("/chat")]
impl<T> Chat<T> {
    async fn open(&self, peer: &Peer) {}
}

fn main() {}
