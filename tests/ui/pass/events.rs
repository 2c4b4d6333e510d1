//! Event handlers in all their forms.

#![deny(warnings)]

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use serde::Deserialize;
use sockeye::{prelude::*, Uri};

type Frame = CloseFrame;

#[derive(Default)]
pub struct Chat {
    seen: Mutex<Vec<String>>,
}

#[derive(Deserialize)]
struct Typing {
    on: bool,
}

#[derive(Clone)]
struct Private(u8);

#[dependency]
async fn private() -> Private {
    Private(7)
}

#[derive(Debug)]
struct Own;

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("own")
    }
}

impl std::error::Error for Own {}

/// A chat.
#[allow(dead_code)]
#[websocket("/chat/<room>/<rest..>", invalid = "pass", tag = "chat")]
impl Chat {
    /// May refuse.
    async fn upgrade(&self, up: &mut Upgrade, room: String) -> Result<(), impl IntoResponse> {
        up.header("x-room", room);
        if up.protocols().is_empty() { Err(StatusCode::BAD_REQUEST) } else { Ok(()) }
    }

    pub(crate) async fn open(&self, peer: &Peer, #[depends(private)] own: Private, rest: Vec<String>) -> Result<(), Own> {
        self.note(peer, own.0.to_string() + &rest.concat());
        Ok(())
    }

    #[on("typing")]
    async fn typing(self: &Self, peer: &Peer, Typing { on }: Typing, own: Private) -> anyhow::Result<()> {
        anyhow::ensure!(on && own.0 == 7);
        peer.publish("chat", &on).await?;
        Ok(())
    }

    #[on("r")]
    async fn r#match(&self, peer: &sockeye::Peer, event: serde_json::Value, _room: String) {}

    #[cfg(any())]
    #[on("never")]
    async fn never(&self, peer: &Peer, event: Nothing) {}

    #[on("answer")]
    async fn answer(&self, peer: &Peer, asked: serde_json::Value, room: String) -> Result<Vec<String>, Own> {
        Ok(vec![room, asked.to_string()])
    }

    #[on("opaque")]
    async fn opaque(&self, peer: &Peer) -> impl sockeye::EventOutcome {}

    #[on("message")]
    async fn on_message(&self, peer: &Peer) -> Result<()> {
        let uri: &Uri = peer.uri();
        peer.send_text(uri.path()).await
    }

    async fn message(&self, peer: &Peer, Json(number): Json<u8>, State(state): State<u8>) -> Result<()> {
        peer.send_json(&(number + *state)).await
    }

    async fn error(&self, peer: &Peer, error: &Error) {}

    async fn close(&self, peer: &Peer, frame: Option<Frame>) {}
}

impl Chat {
    fn note(&self, peer: &Peer, text: String) {
        self.seen.lock().unwrap().push(format!("{peer}: {text}"));
    }
}

fn main() {
    let chat = Arc::new(Chat::default());
    App::new().route(chat.clone()).state(7u8).check().unwrap();

    #[derive(Default)]
    struct Local;

    #[websocket("/local")]
    impl Local {
        async fn open(&self, _: &Peer) {}
    }

    App::new().route(Local).check().unwrap();
    assert!(chat.seen.lock().unwrap().is_empty());
}
