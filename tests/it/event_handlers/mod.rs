//! Event handlers: `#[websocket]` on an `impl` block.

mod arguments;
mod asking;
mod ending;
mod messages;
mod order;
mod peers;
mod upgrading;

use std::sync::Mutex;

use sockeye::prelude::*;
use tokio::sync::mpsc;

/// What a handler has seen, in order.
pub(crate) struct Log {
    sender: mpsc::UnboundedSender<String>,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<String>>>,
}

impl Default for Log {
    fn default() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Log {
    pub(crate) fn note(&self, text: impl Into<String>) {
        // Nobody listens any more when a test has ended.
        let _ = self.sender.send(text.into());
    }

    /// The other end, for the test.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<String> {
        self.receiver.lock().expect("no panic").take().expect("one listener")
    }
}

pub(crate) async fn next(log: &mut mpsc::UnboundedReceiver<String>) -> String {
    let next = tokio::time::timeout(std::time::Duration::from_secs(5), log.recv()).await;
    next.expect("a note in time").expect("a handler")
}

/// The public face, as it stands.
mod as_it_stands {
    use serde::{Deserialize, Serialize};
    use sockeye::prelude::*;

    #[derive(Default)]
    struct Chat;

    #[derive(Serialize, Deserialize)]
    struct Typing {
        user: String,
    }

    #[rustfmt::skip]
    #[websocket("/api/ws/chat")]
    impl Chat {
        async fn open(&self, peer: &Peer) -> Result<()> { peer.subscribe("chat").await }
        #[on("typing")]
        async fn typing(&self, peer: &Peer, event: Typing) -> Result<()> { peer.publish("chat", &event).await }
        async fn message(&self, peer: &Peer, message: Message) -> Result<()> { peer.send(&message).await }
        async fn close(&self, peer: &Peer, frame: Option<CloseFrame>) {}
    }

    #[sockeye::test]
    async fn compiles_and_runs() -> Result<()> {
        let client = TestClient::new(App::new().route(Chat));
        let mut one = client.websocket_connect("/api/ws/chat").await?;
        let mut two = client.websocket_connect("/api/ws/chat").await?;
        two.send_text("hello").await?;
        assert_eq!(two.receive_text().await?, "hello");
        one.send_text(r#"{"type":"typing","user":"Ada"}"#).await?;
        assert_eq!(two.receive_text().await?, r#"{"user":"Ada"}"#);
        one.send_bytes([1, 2]).await?;
        assert_eq!(one.receive_bytes().await?, [1, 2][..]);
        Ok(())
    }
}

/// In a module with `#[router]` the handler is made by its `Default`.
#[router(prefix = "/api/<room>")]
mod gathered {
    use sockeye::prelude::*;

    #[derive(Default)]
    pub(super) struct Echo;

    #[websocket("/echo")]
    impl Echo {
        async fn message(&self, peer: &Peer, text: String, room: String) -> Result<()> {
            peer.send_text(format!("[{room}] {text}")).await
        }
    }
}

#[sockeye::test]
async fn a_router_gathers_it() -> Result<()> {
    let client = TestClient::new(App::new().include_router(gathered::router()));
    let mut ws = client.websocket_connect("/api/blue/echo").await?;
    ws.send_text("hello").await?;
    assert_eq!(ws.receive_text().await?, "[blue] hello");
    Ok(())
}
