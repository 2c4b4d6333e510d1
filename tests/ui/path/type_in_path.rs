//! The type belongs to the argument.

use sockeye::prelude::*;

#[websocket("/ws/<id: u32>")]
async fn room(ws: WebSocket, id: u32) -> Result<()> {
    ws.send_text(id.to_string()).await
}

fn main() {
    let _ = App::new().route(room);
}
