//! What a socket handler returns goes nowhere.

use sockeye::prelude::*;

#[websocket("/ws")]
async fn room(mut ws: WebSocket) -> String {
    ws.receive_text().await.unwrap_or_default()
}

fn main() {
    let _ = App::new().route(room);
}
