//! A name that no argument can have.

use sockeye::prelude::*;

#[websocket("/ws/<room-id>")]
async fn room(ws: WebSocket, room_id: String) -> Result<()> {
    ws.send_text(room_id).await
}

fn main() {
    let _ = App::new().route(room);
}
