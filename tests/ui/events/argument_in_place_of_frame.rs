//! The frame comes behind the peer.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat/<room>")]
impl Chat {
    async fn close(&self, peer: &Peer, room: String) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
