//! Events run on any thread.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) -> Result<()> {
        let rc = std::rc::Rc::new(7);
        peer.send_json(&*rc).await?;
        peer.send_json(&*rc).await
    }
}

fn main() {
    let _app = App::new().route(Chat);
}
