//! A borrow inside of a type.

use sockeye::prelude::*;

use std::borrow::Cow;

#[websocket("/ws")]
async fn room(ws: WebSocket, name: Cow<'_, str>) -> Result<()> {
    ws.send_text(name.as_ref()).await
}

fn main() {
    let _ = App::new().route(room);
}
