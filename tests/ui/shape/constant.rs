//! Two mistakes of the signature, and the signature shown once.

use sockeye::prelude::*;

#[websocket("/ws")]
const fn room(_ws: WebSocket) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = App::new().route(room);
}
