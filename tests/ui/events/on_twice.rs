//! A method takes one type.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on("a")]
    #[on("b")]
    async fn typing(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
