//! A misspelt argument.

use sockeye::prelude::*;

#[websocket("/ws/<room_id>")]
async fn room(ws: WebSocket, rom_id: String) -> Result<()> {
    ws.send_text(rom_id).await
}

fn main() {
    let _ = App::new().route(room);
}
