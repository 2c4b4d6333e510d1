//! A flag is `true` or `false`.

use sockeye::prelude::*;

#[websocket("/ws", protocols = ["a"], strict_protocol = "yes")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
