//! The peer comes first.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn message(&self, message: Message) {}
}

fn main() {
    let _app = App::new().route(Chat);
}
