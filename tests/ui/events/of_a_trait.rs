//! Events are methods of the type.

use sockeye::prelude::*;

trait Events {}

struct Chat;

#[websocket("/chat")]
impl Events for Chat {

}

fn main() {
    let _app = App::new().route(Chat);
}
