//! An argument is the same in all methods.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, page: u8) {}

    async fn close(&self, peer: &Peer, frame: Option<CloseFrame>, page: u16) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
