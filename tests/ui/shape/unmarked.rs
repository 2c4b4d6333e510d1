//! A function without an attribute is no route.

use sockeye::prelude::*;

async fn room(ws: WebSocket) -> Result<()> {
    ws.close(1000).await
}

fn main() {
    let _ = App::new().route(room);
}
