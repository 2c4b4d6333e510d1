//! A marked socket that is none.

use sockeye::prelude::*;

#[websocket("/ws")]
async fn room(#[socket] ws: String) -> Result<()> {
    drop(ws);
    Ok(())
}

fn main() {
    let _ = App::new().route(room);
}
