//! Only some types can be made of a message.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn message(&self, peer: &Peer, message: u32) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
