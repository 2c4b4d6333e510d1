//! A parameter and its misspelt argument.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat/<room>")]
impl Chat {
    async fn open(&self, peer: &Peer, rom: String) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
