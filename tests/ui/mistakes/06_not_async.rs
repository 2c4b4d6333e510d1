//! A handler that is not async.

use sockeye::prelude::*;

#[websocket("/ws/<room_id>")]
fn room(ws: WebSocket, room_id: String) -> Result<()> {
    ws.send_text(room_id).await
}

fn main() {
    let _ = App::new().route(room);
}
