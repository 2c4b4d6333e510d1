//! An event is read by serde.

use sockeye::prelude::*;

struct Typing;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on("typing")]
    async fn typing(&self, peer: &Peer, event: Typing) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
