//! A path parameter that no argument takes.

use sockeye::prelude::*;

#[websocket("/ws/<room_id>")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
