//! A hub on tokio-tungstenite: a map with a channel for each client, which takes all that waits there before it flushes.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use peers::JOINED;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::{Error, Message};

type Hub = Arc<Mutex<HashMap<SocketAddr, UnboundedSender<Message>>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = peers::bind()?;
    let hub = Hub::default();
    loop {
        let (stream, addr) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let hub = hub.clone();
        tokio::spawn(async move {
            let ended = member(stream, addr, &hub).await;
            hub.lock().unwrap().remove(&addr);
            ended
        });
    }
}

async fn member(stream: TcpStream, addr: SocketAddr, hub: &Hub) -> Result<(), Error> {
    let (mut outgoing, mut incoming) = accept_async(stream).await?.split();
    let (sender, mut said) = unbounded_channel();
    hub.lock().unwrap().insert(addr, sender);
    outgoing.send(JOINED.into()).await?;
    let sending = async {
        while let Some(message) = said.recv().await {
            outgoing.feed(message).await?;
            while let Ok(message) = said.try_recv() {
                outgoing.feed(message).await?;
            }
            outgoing.flush().await?;
        }
        Ok(())
    };
    let receiving = async {
        while let Some(message) = incoming.next().await {
            let message = message?;
            if message.is_text() || message.is_binary() {
                // Who does not take it has ended, and takes itself out.
                hub.lock().unwrap().values().for_each(|member| _ = member.send(message.clone()));
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = sending => ended,
        ended = receiving => ended,
    }
}
