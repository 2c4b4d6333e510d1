//! There are no optional segments.

use sockeye::prelude::*;

#[websocket("/ws/<id?>")]
async fn room(ws: WebSocket, id: Option<u32>) -> Result<()> {
    ws.send_text(format!("{id:?}")).await
}

fn main() {
    let _ = App::new().route(room);
}
