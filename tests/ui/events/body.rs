//! A handshake has no body.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, name: Json<String>) {
        drop(name);
    }
}

fn main() {
    let _app = App::new().route(Chat);
}
