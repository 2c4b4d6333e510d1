//! An event is handled by an async method.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    fn open(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
