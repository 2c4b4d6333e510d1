//! `#[on]` names a type.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    #[on]
    async fn typing(&self, peer: &Peer) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
