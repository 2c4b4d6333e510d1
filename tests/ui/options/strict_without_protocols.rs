//! Strict about nothing.

use sockeye::prelude::*;

#[websocket("/ws", strict_protocol = true)]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
