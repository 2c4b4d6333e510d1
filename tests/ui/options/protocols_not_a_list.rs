//! `protocols` is a list.

use sockeye::prelude::*;

#[websocket("/ws", protocols = "chat.v1")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
