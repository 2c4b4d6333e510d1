//! A missing comma.

use sockeye::prelude::*;

#[websocket("/ws" tag = "a")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
