//! Paths are written decoded.

use sockeye::prelude::*;

#[websocket("/caf%C3%A9")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
