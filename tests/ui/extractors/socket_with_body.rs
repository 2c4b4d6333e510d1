//! A handshake carries no body.

use sockeye::prelude::*;

#[websocket("/ws")]
async fn room(ws: WebSocket, Json(name): Json<String>) -> Result<()> {
    ws.send_text(name).await
}

fn main() {
    let _ = App::new().route(room);
}
