//! There is no socket.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, ws: WebSocket) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
