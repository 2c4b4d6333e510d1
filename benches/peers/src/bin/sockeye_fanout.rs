//! Ours: a room, with every default on.

use peers::JOINED;
use sockeye::prelude::*;

#[websocket("/fanout")]
async fn fanout(mut ws: WebSocket, hub: Hub) -> Result<()> {
    let member = hub.room("all").join(&ws).await?;
    ws.send_text(JOINED).await?;
    while let Some(message) = ws.next().await {
        member.room().broadcast(&message?).await?;
    }
    Ok(())
}

#[sockeye::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    App::new().route(fanout).run().await
}
