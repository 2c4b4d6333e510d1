//! Compression is `true`, `false` or a `Compression`.

use sockeye::prelude::*;

#[websocket("/ws", compression = "on")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
