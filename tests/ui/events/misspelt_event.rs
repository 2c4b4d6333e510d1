//! A name near to that of an event.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn mesage(&self, peer: &Peer, message: Message) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
