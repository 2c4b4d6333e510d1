//! Everybody hears everybody, and who comes and goes.

use serde::Serialize;
use sockeye::{Text, prelude::*};

pub(crate) struct Chat;

/// What peers get.
#[derive(Serialize)]
struct Said<'a> {
    user: &'a str,
    message: &'a str,
}

const TOPIC: &str = "chat";

fn server(message: &str) -> Said<'_> {
    Said { user: "server", message }
}

#[websocket("/api/ws/chat")]
impl Chat {
    async fn open(&self, peer: &Peer) -> Result<()> {
        peer.send(&server(&format!("Welcome {peer}!"))).await?;
        peer.publish(TOPIC, &server(&format!("{peer} joined!"))).await?;
        peer.subscribe(TOPIC).await
    }

    async fn message(&self, peer: &Peer, text: Text) -> Result<()> {
        if text.contains("ping") {
            return peer.send(&server("pong")).await;
        }
        let said = Said { user: &peer.to_string(), message: &text };
        peer.send(&said).await?;
        peer.publish(TOPIC, &said).await
    }

    async fn close(&self, peer: &Peer) -> Result<()> {
        peer.publish(TOPIC, &server(&format!("{peer} left!"))).await
    }
}
