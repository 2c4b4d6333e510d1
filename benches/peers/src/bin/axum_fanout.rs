//! axum with `tokio::sync::broadcast`, as its chat example has it: a task that receives and one that sends.

use std::io;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use axum::serve::ListenerExt;
use futures_util::{SinkExt, StreamExt};
use peers::{JOINED, MAX_MESSAGE};
use tokio::sync::broadcast;

/// Messages that a member may be behind.
const BEHIND: usize = 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let app = Router::new().route("/fanout", any(upgrade)).with_state(broadcast::Sender::new(BEHIND));
    let listener = peers::bind()?.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, app).await
}

async fn upgrade(upgrade: WebSocketUpgrade, State(room): State<broadcast::Sender<Message>>) -> Response {
    upgrade.max_message_size(MAX_MESSAGE).on_upgrade(move |socket| member(socket, room))
}

async fn member(socket: WebSocket, room: broadcast::Sender<Message>) {
    let (mut sender, mut receiver) = socket.split();
    let mut said = room.subscribe();
    if sender.send(JOINED.into()).await.is_err() {
        return;
    }
    let mut sending = tokio::spawn(async move {
        while let Ok(message) = said.recv().await {
            if sender.send(message).await.is_err() {
                return;
            }
        }
    });
    let receiving = async {
        while let Some(Ok(message)) = receiver.next().await {
            let data = matches!(message, Message::Text(_) | Message::Binary(_));
            if data && room.send(message).is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = &mut sending => {}
        () = receiving => sending.abort(),
    }
}
