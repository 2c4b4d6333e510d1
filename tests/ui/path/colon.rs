//! As express writes it.

use sockeye::prelude::*;

#[websocket("/ws/:id")]
async fn room(ws: WebSocket, id: u32) -> Result<()> {
    ws.send_text(id.to_string()).await
}

fn main() {
    let _ = App::new().route(room);
}
