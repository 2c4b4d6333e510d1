//! An event is an object.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on("typing")]
    async fn typing(&self, peer: &Peer, page: u32) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
