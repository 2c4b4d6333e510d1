//! A future that cannot move between threads.

use sockeye::prelude::*;

use std::rc::Rc;

#[websocket("/ws")]
async fn room(ws: WebSocket) -> Result<()> {
    let count = Rc::new(1);
    ws.send_text("hello").await?;
    println!("{count}");
    Ok(())
}

fn main() {
    let _ = App::new().route(room);
}
