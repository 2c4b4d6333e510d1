//! A controller: says welcome, then repeats what it hears.

use sockeye::{Text, prelude::*};

pub(crate) struct Eco;

#[websocket("/api/eco-ws")]
impl Eco {
    async fn open(&self, peer: &Peer) -> Result<()> {
        peer.send_text("¡Bienvenido!").await
    }

    async fn message(&self, peer: &Peer, text: Text) -> Result<()> {
        peer.send_text(format!("Eco: {text}")).await
    }
}
