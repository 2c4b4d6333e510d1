//! All peers share one handler.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&mut self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
