//! An option without a value.

use sockeye::prelude::*;

#[websocket("/ws", max_message)]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
