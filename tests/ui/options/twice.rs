//! An option given twice.

use sockeye::prelude::*;

#[websocket("/ws", tag = "a", tag = "b")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
