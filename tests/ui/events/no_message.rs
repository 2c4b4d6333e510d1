//! What has come is an argument.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn message(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
