//! Only methods stand in the block.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    const MOST: usize = 7;

    async fn open(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
