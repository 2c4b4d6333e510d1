//! Nothing can follow what takes all.

use sockeye::prelude::*;

#[websocket("/files/<path..>/raw")]
async fn room(ws: WebSocket, path: String) -> Result<()> {
    ws.send_text(path).await
}

fn main() {
    let _ = App::new().route(room);
}
