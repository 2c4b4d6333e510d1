//! A misspelt option.

use sockeye::prelude::*;

#[websocket("/ws", invlid = "close")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
