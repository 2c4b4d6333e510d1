//! A message is given away.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn message(&self, peer: &Peer, message: &str) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
