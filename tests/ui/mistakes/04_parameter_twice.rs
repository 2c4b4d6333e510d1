//! The same parameter twice.

use sockeye::prelude::*;

#[websocket("/ws/<id>/<id>")]
async fn room(ws: WebSocket, id: String) -> Result<()> {
    ws.send_text(id).await
}

fn main() {
    let _ = App::new().route(room);
}
