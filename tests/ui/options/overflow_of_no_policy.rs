//! A word that the option does not know.

use sockeye::prelude::*;

#[websocket("/ws", overflow = "drop_last")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
