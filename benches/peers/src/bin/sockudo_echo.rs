//! sockudo-ws behind axum, with compression where it is offered: no takeover, the level that ours has.

use std::io;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::any;
use axum::serve::ListenerExt;
use peers::{DEFLATE_LEVEL, DEFLATE_THRESHOLD, MAX_MESSAGE};
use sockudo_ws::axum_integration::{WebSocket, WebSocketUpgrade};
use sockudo_ws::deflate::DeflateConfig;
use sockudo_ws::{Config, Message};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let app = Router::new().route("/echo", any(upgrade));
    let listener = peers::bind()?.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, app).await
}

async fn upgrade(upgrade: WebSocketUpgrade) -> impl IntoResponse {
    let deflate = DeflateConfig {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        compression_level: DEFLATE_LEVEL,
        compression_threshold: DEFLATE_THRESHOLD,
        ..DeflateConfig::default()
    };
    let config = Config::builder()
        .max_payload_length(MAX_MESSAGE)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .deflate_config(deflate)
        .build();
    upgrade.config(config).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let data = matches!(message, Message::Text(_) | Message::Binary(_));
        if data && socket.send(message).await.is_err() {
            return;
        }
    }
}
