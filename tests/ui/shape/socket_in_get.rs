//! A plain handler has no socket.

use sockeye::prelude::*;

#[get("/ws")]
async fn room(ws: WebSocket) -> &'static str {
    drop(ws);
    "ok"
}

fn main() {
    let _ = App::new().route(room);
}
