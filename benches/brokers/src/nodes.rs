//! Ours: two nodes. The one publishes to a room; the member is a client of the other one's.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use common::frame::{Op, plain};
use sockeye::{Server, broker::Broker, prelude::*};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const ROOM: &str = "bench";
/// Said to the member by its own node, and then by the other one until it comes.
const JOINED: &str = "joined";
const HELLO: &str = "hello";

pub(crate) struct Nodes {
    room: Room,
    member: TcpStream,
    buffer: Vec<u8>,
    /// The node that publishes, and the other one's server.
    _kept: (App, Server),
}

#[websocket("/member")]
async fn listen(mut ws: WebSocket, hub: Hub) -> sockeye::Result<()> {
    let _member = hub.room(ROOM).join(&ws).await?;
    ws.send_text(JOINED).await?;
    while let Some(message) = ws.next().await {
        message?;
    }
    Ok(())
}

impl Nodes {
    pub(crate) async fn open(broker: impl Broker + Clone) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut member = TcpStream::connect(listener.local_addr()?).await?;
        member.set_nodelay(true)?;
        let server = App::new().broker(broker.clone()).route(listen).serve(listener);
        let app = App::new().broker(broker);
        let room = app.hub().room(ROOM);
        upgrade(&mut member).await?;
        let mut nodes = Self { room, member, buffer: Vec::new(), _kept: (app, server) };
        nodes.expect(&[JOINED.into()]).await?;
        nodes.meet().await?;
        Ok(nodes)
    }

    /// Until the nodes have found each other.
    async fn meet(&mut self) -> Result<()> {
        let hello = plain(Op::Text, HELLO.as_bytes());
        for _ in 0..500 {
            self.room.broadcast_text(HELLO).await?;
            let mut buffer = vec![0; hello.len()];
            if timeout(Duration::from_millis(20), self.member.peek(&mut buffer)).await.is_ok() {
                // Those that were on their way.
                tokio::time::sleep(Duration::from_millis(500)).await;
                let mut came = vec![0; 64 * 1024];
                let size = self.member.read(&mut came).await?;
                ensure!(came[..size].chunks(hello.len()).all(|frame| frame == hello), "something else has come");
                return Ok(());
            }
        }
        anyhow::bail!("the nodes have not found each other")
    }

    pub(crate) async fn pass(&mut self, batch: &[Bytes]) -> Result<()> {
        for message in batch {
            self.room.broadcast_text(std::str::from_utf8(message)?).await?;
        }
        self.expect(batch).await
    }

    async fn expect(&mut self, batch: &[Bytes]) -> Result<()> {
        let frames: Vec<u8> = batch.iter().flat_map(|message| plain(Op::Text, message)).collect();
        self.buffer.resize(frames.len(), 0);
        self.member.read_exact(&mut self.buffer).await?;
        ensure!(self.buffer == frames, "another message has come");
        Ok(())
    }
}

async fn upgrade(stream: &mut TcpStream) -> Result<()> {
    let request = "GET /member HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.context("the server has closed the connection")?);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101 "), "the answer was {}", String::from_utf8_lossy(&head));
    Ok(())
}
