//! A method is one function.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open<T>(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
