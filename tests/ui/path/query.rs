//! A query in the path.

use sockeye::prelude::*;

#[websocket("/ws?token=x")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
