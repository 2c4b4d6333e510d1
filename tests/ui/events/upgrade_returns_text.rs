//! A refusal is a response.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {
    async fn upgrade(&self, up: &mut Upgrade) -> String { String::new() }
}

fn main() {
    let _app = App::new().route(Chat);
}
