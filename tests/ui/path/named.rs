//! The path has no name.

use sockeye::prelude::*;

#[websocket(path = "/ws")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
