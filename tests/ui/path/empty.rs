//! An empty path.

use sockeye::prelude::*;

#[websocket("")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
