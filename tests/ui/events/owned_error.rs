//! An error is lent.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn error(&self, peer: &Peer, error: Error) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
