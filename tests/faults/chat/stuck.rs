//! A member that takes nothing of what it is sent.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use crate::chat::{audit::OUTSIDERS, client::encode};

/// Longer than a server waits for such a peer.
const STAY: Duration = Duration::from_secs(15);

/// It comes back for as long as this is held.
pub(crate) struct Stuck(JoinHandle<()>);

impl Stuck {
    pub(crate) fn start(door: SocketAddr, room: &str) -> Self {
        let path = format!("/ws/{}?user_id={OUTSIDERS}&since=0", encode(room));
        Self(tokio::spawn(async move {
            loop {
                // A server that is down takes nobody.
                let _stream = enter(door, &path).await;
                sleep(STAY).await;
            }
        }))
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn enter(door: SocketAddr, path: &str) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let mut stream = socket.connect(door).await?;
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nHost: {door}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes()).await?;
    stream.read_exact(&mut [0; 12]).await?;
    Ok(stream)
}
