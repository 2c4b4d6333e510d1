//! Other methods stand elsewhere.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) {}

    fn count(&self) -> usize { 0 }
}

fn main() {
    let _app = App::new().route(Chat);
}
