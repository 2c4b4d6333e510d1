//! A limit is a number.

use sockeye::prelude::*;

#[websocket("/ws", max_message = "1 MiB")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
