//! The socket has the name of a path parameter.

use sockeye::prelude::*;

#[websocket("/ws/<ws>")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
