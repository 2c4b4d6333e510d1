//! A handler has no `self`.

use sockeye::prelude::*;

#[websocket("/ws/<id>")]
async fn room(&self, ws: WebSocket, id: String) -> Result<()> {
    ws.send_text(id).await
}

fn main() {
    let _ = App::new().route(room);
}
