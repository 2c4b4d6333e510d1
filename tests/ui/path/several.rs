//! Every mistake of a path at once.

use sockeye::prelude::*;

#[websocket("ws/<room/{id}//x")]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
