//! An option of other handlers.

use sockeye::prelude::*;

#[websocket("/ws", max_body = 10)]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
