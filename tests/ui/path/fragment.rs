//! A fragment in the path.

use sockeye::prelude::*;

#[websocket("/ws#top")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
