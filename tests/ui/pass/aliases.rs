//! Aliases of socket types are marked.

use sockeye::prelude::*;

type Chat = WebSocket<String, String>;
type Door = Upgrade<String, String>;
type Outcome = Result<()>;

#[websocket("/chat")]
async fn chat(#[socket] ws: Chat) -> Outcome {
    ws.close(1000).await
}

#[websocket("/door")]
async fn door(#[socket] up: Door) -> Outcome {
    drop(up);
    Ok(())
}

fn main() {
    let _ = App::new().route(chat).route(door);
}
