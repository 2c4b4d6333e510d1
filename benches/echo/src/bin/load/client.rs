//! A connection from the outside: connect, shake hands, see that the first echo is right.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use echo::protocol::Protocol;

use crate::frame;

/// The mask is any key that changes every byte: what it is makes no difference in time.
const MASK: [u8; 4] = [0x3b, 0xa1, 0x5c, 0xf7];
/// A server that needs longer than this for one step has failed.
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_HEAD: usize = 8 * 1024;

/// Where messages go and what they are.
#[derive(Debug)]
pub(crate) struct Target {
    addr: SocketAddr,
    pub(crate) protocol: Protocol,
    /// One message as it is sent. Raw servers get the very same bytes as WebSocket servers.
    pub(crate) request: Vec<u8>,
    /// The bytes that answer it.
    pub(crate) reply: Vec<u8>,
}

impl Target {
    pub(crate) fn new(addr: SocketAddr, protocol: Protocol, size: usize) -> Self {
        let payload: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
        let request = frame::masked(&payload, MASK);
        let reply = match protocol {
            Protocol::Raw => request.clone(),
            Protocol::WebSocket => frame::plain(&payload),
        };
        Self { addr, protocol, request, reply }
    }

    /// Connects and exchanges one message, byte for byte.
    pub(crate) fn open(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        if self.protocol == Protocol::WebSocket {
            self.shake_hands(&mut stream)?;
        }
        stream.write_all(&self.request)?;
        let mut reply = vec![0; self.reply.len()];
        stream.read_exact(&mut reply).context("the first message did not come back")?;
        ensure!(reply == self.reply, "the first message came back changed");
        Ok(stream)
    }

    fn shake_hands(&self, stream: &mut TcpStream) -> Result<()> {
        let request = format!(
            "GET /echo HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.addr
        );
        stream.write_all(request.as_bytes())?;
        let head = read_head(stream)?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "refused: {head}");
        Ok(())
    }
}

/// Nothing follows the head before we have spoken, so reading it whole is safe.
fn read_head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part).context("no answer to the handshake")? {
            0 => break,
            n => head.extend(&part[..n]),
        }
        if head.len() > MAX_HEAD {
            bail!("the answer to the handshake does not end");
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
