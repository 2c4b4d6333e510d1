//! What the peer shall get is sent.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn message(&self, peer: &Peer, text: String) -> String { text }
}

fn main() {
    let _app = App::new().route(Chat);
}
