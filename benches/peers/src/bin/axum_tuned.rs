//! axum with what its API lets a careful program do: a small read buffer, and one flush for all that has arrived.

use std::io;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::{FutureExt, SinkExt};
use peers::MAX_MESSAGE;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let app = Router::new().route("/echo", any(upgrade));
    let listener = peers::bind()?.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, app).await
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).read_buffer_size(4096).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    let mut next = socket.recv().await;
    while let Some(Ok(message)) = next {
        let data = matches!(message, Message::Text(_) | Message::Binary(_));
        if data && socket.feed(message).await.is_err() {
            return;
        }
        next = match socket.recv().now_or_never() {
            Some(arrived) => arrived,
            None if socket.flush().await.is_err() => return,
            None => socket.recv().await,
        };
    }
}
