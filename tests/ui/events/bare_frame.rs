//! There may be no close frame.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn close(&self, peer: &Peer, frame: CloseFrame) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
