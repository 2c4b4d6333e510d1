//! An argument comes from one place.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, #[query] page: u8) {}

    async fn close(&self, peer: &Peer, frame: Option<CloseFrame>, #[header] page: u8) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
