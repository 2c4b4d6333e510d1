use sockeye::prelude::*;
#[websocket("/echo")]
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
