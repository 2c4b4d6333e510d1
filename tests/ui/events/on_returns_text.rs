//! A bare value is no answer: `Result` says that it may fail.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on("name")]
    async fn name(&self, peer: &Peer) -> String { peer.to_string() }
}

fn main() {
    let _app = App::new().route(Chat);
}
