//! A constant cannot be checked while compiling.

use sockeye::prelude::*;

const PATH: &str = "/ws";

#[websocket(PATH)]
async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
