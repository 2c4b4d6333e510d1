//! The type is text.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on(7)]
    async fn typing(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
