use sockeye::prelude::*;

#[websocket("/ws/<room>")]
async fn echo(mut ws: WebSocket, room: String) -> Result<()> {
    loop { let text = ws.receive_text().await?; ws.send_text(format!("[{room}] {text}")).await?; }
}

#[sockeye::main]
async fn main() -> Result<()> { App::new().route(echo).run().await }
