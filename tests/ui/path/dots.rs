//! A segment that clients resolve.

use sockeye::prelude::*;

#[websocket("/a/../b")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
