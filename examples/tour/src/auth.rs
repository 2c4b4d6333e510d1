//! Three ways to say no.

use serde_json::json;
use sockeye::prelude::*;

const SECRET: &str = "secret-token";

/// After the handshake, in the socket's own words.
#[websocket("/ws/token")]
pub(crate) async fn token(ws: WebSocket, token: Option<String>) -> Result<()> {
    if token.is_none_or(|token| token.is_empty()) {
        ws.send_json(&json!({ "error": "No token" })).await?;
        return ws.close(1000).await;
    }
    ws.send_json(&json!({ "authenticated": true })).await?;
    ws.closed().await;
    Ok(())
}

/// With a close code that the browser sees.
#[websocket("/ws/secure")]
pub(crate) async fn secure(up: Upgrade, token: Option<String>) -> Result<()> {
    if token.as_deref() != Some(SECRET) {
        return up.close(4001, "unauthorized").await;
    }
    let ws = up.accept().await;
    ws.send_text("Authenticated!").await?;
    ws.closed().await;
    Ok(())
}

/// Before the upgrade, with an HTTP status.
#[websocket("/ws/strict")]
pub(crate) async fn strict(up: Upgrade, token: Option<String>) -> Result<()> {
    if token.as_deref() != Some(SECRET) {
        return up.deny(StatusCode::UNAUTHORIZED).await;
    }
    let ws = up.accept().await;
    ws.send_text("Authenticated!").await?;
    ws.closed().await;
    Ok(())
}
