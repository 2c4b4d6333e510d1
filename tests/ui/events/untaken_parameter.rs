//! A parameter that no method takes.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat/<room>")]
impl Chat {
    async fn open(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
