//! Ours, through the public API and with every default on: heartbeat, limits, bounded queues, compression.

use sockeye::prelude::*;

/// As in `examples/tour`.
#[websocket("/echo", max_message = 16 << 20)]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

#[sockeye::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    App::new().route(echo).run().await
}
