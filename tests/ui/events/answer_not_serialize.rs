//! What a method returns is sent as JSON.

use sockeye::prelude::*;

struct Chat;

struct Name(String);

#[websocket("/chat")]
impl Chat {
    #[on("name")]
    async fn name(&self, peer: &Peer) -> Result<Name> { Ok(Name(peer.to_string())) }
}

fn main() {
    let _app = App::new().route(Chat);
}
