//! A parameter without a name.

use sockeye::prelude::*;

#[websocket("/ws/<>")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
