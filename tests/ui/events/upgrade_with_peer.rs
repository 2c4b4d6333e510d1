//! Before the upgrade there is no peer.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn upgrade(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
