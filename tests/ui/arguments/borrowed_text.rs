//! A borrowed argument.

use sockeye::prelude::*;

#[websocket("/ws/<room_id>")]
async fn room(ws: WebSocket, room_id: &str) -> Result<()> {
    ws.send_text(room_id).await
}

fn main() {
    let _ = App::new().route(room);
}
