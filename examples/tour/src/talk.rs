//! Receiving and sending, in every form.

use serde_json::{Value, json};
use sockeye::prelude::*;

/// Text in, text out.
#[websocket("/ws")]
pub(crate) async fn echo_text(mut ws: WebSocket) -> Result<()> {
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(format!("Echo: {text}")).await?;
    }
}

/// A path parameter.
#[websocket("/ws/<room_id>")]
pub(crate) async fn room(mut ws: WebSocket, room_id: String) -> Result<()> {
    ws.send_text(format!("Welcome to room: {room_id}")).await?;
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(format!("[{room_id}] {text}")).await?;
    }
}

/// Every kind of message once, in and out, and a close.
#[websocket("/ws/ops")]
pub(crate) async fn ops(mut ws: WebSocket) -> Result<()> {
    let _text = ws.receive_text().await?;
    let _json: Value = ws.receive_json().await?;
    let _bytes = ws.receive_bytes().await?;
    ws.send_text("Hello").await?;
    ws.send_json(&json!({ "message": "Hello" })).await?;
    ws.send_bytes(b"binary data").await?;
    ws.close(1000).await
}

/// JSON in, JSON out. What is not JSON ends the socket with 1007.
#[websocket("/ws/json")]
pub(crate) async fn json(mut ws: WebSocket) -> Result<()> {
    loop {
        let data: Value = ws.receive_json().await?;
        let echo = data.get("message").cloned().unwrap_or_else(|| "".into());
        ws.send_json(&json!({ "received": data, "processed": true, "echo": echo })).await?;
    }
}

/// Notices the peer's leaving, however it goes.
#[websocket("/ws/disconnect")]
pub(crate) async fn disconnect(mut ws: WebSocket) -> Result<()> {
    let served = answer(&mut ws).await;
    println!("Client disconnected");
    served
}

async fn answer(ws: &mut WebSocket) -> Result<()> {
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(format!("Got: {text}")).await?;
    }
}

/// Every message as it came: for benches and conformance suites.
#[websocket("/echo", max_message = 16 << 20)]
pub(crate) async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}
