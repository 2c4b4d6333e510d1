//! A handler is one function.

use sockeye::prelude::*;

#[websocket("/ws/<id>")]
async fn room<T: ToString + Send>(ws: WebSocket, id: T) -> Result<()> {
    ws.send_text(id.to_string()).await
}

fn main() {
    let _ = App::new().route(room);
}
