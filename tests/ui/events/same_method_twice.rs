//! rustc says so.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) {}

    async fn open(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
