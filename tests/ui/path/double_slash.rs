//! An empty segment.

use sockeye::prelude::*;

#[websocket("/ws//room")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
