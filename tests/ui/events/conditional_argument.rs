//! What the request must have does not hang on a method.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) {}

    #[cfg(unix)]
    async fn close(&self, peer: &Peer, frame: Option<CloseFrame>, page: u8) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
