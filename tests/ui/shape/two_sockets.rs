//! Two sockets.

use sockeye::prelude::*;

#[websocket("/ws")]
async fn room(ws: WebSocket, _up: Upgrade) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
