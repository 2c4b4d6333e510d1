//! The handler is an argument too.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
