//! One method takes each type.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on("typing")]
    async fn typing(&self, peer: &Peer) {}

    #[on("typing")]
    async fn writing(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
