//! The options are those of functions.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat", invlid = "close")]
impl Chat {
    async fn open(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
