//! White space.

use sockeye::prelude::*;

#[websocket("/my room")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
