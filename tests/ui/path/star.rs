//! A wildcard of other frameworks.

use sockeye::prelude::*;

#[websocket("/files/*path")]
async fn room(ws: WebSocket, path: String) -> Result<()> {
    ws.send_text(path).await
}

fn main() {
    let _ = App::new().route(room);
}
