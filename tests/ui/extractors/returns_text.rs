//! What a socket handler returns goes nowhere.

use sockeye::prelude::*;

#[websocket("/ws")]
async fn room(ws: WebSocket) -> String {
    drop(ws);
    String::new()
}

fn main() {
    let _ = App::new().route(room);
}
