//! Arguments behind the peer are taken from the request.

use sockeye::prelude::*;

#[derive(Clone)]
struct User;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer, user: User) {
        drop(user);
    }
}

fn main() {
    let _app = App::new().route(Chat);
}
