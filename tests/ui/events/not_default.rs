//! A router makes the instance.

use sockeye::prelude::*;

#[router]
mod chat {
    use sockeye::prelude::*;

    pub struct Chat;

    #[websocket("/chat")]
    impl Chat {
        async fn open(&self, peer: &Peer) {}
    }
}

fn main() {}
