//! A handler without events.

use sockeye::prelude::*;

struct Chat;

#[websocket("/chat")]
impl Chat {}

fn main() {
    let _app = App::new().route(Chat);
}
