//! A connection from the outside: connect, shake hands, see that the first echo is right.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use common::frame::{self, Op};
use common::protocol::Protocol;

use crate::documents;
use crate::script::Batch;

/// A server that needs longer than this for one step has failed. Under callgrind they are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const DEFLATE: &str =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";

/// Where messages go and what they are.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    pub(crate) protocol: Protocol,
    /// The head that asks for the upgrade.
    pub(crate) head: String,
    /// One message each, gone through in a circle. Raw servers get the very same bytes as WebSocket servers.
    pub(crate) messages: Vec<Batch>,
}

impl Target {
    pub(crate) fn new(addr: SocketAddr, protocol: Protocol, op: Op, size: usize) -> Self {
        let payload = frame::payload(op, size);
        let request = frame::masked(op, false, &payload);
        let reply = match protocol {
            Protocol::Raw => request.clone(),
            Protocol::WebSocket => frame::plain(op, &payload),
        };
        Self { addr, protocol, head: head(addr, "/echo", ""), messages: vec![Batch::new(request, reply)] }
    }

    /// The same server at another path.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.head = head(self.addr, path, "");
        self
    }

    /// The same server, with compressed documents. What it answers is learnt here, and checked by inflating it: without
    /// takeover, a server compresses a document to the same bytes each time.
    pub(crate) fn deflating(mut self) -> Result<Self> {
        self.head = head(self.addr, "/echo", DEFLATE);
        let mut stream = self.connect()?;
        self.messages = documents::learn(&mut stream)?;
        Ok(self)
    }

    /// Connects and exchanges one message, byte for byte.
    pub(crate) fn open(&self) -> Result<TcpStream> {
        let mut stream = self.connect()?;
        let Batch { request, reply, .. } = &self.messages[0];
        stream.write_all(request)?;
        let mut came = vec![0; reply.len()];
        stream.read_exact(&mut came).context("the first message did not come back")?;
        ensure!(came == *reply, "the first message came back changed");
        Ok(stream)
    }

    /// Connects and shakes hands.
    pub(crate) fn connect(&self) -> Result<TcpStream> {
        let mut stream = TcpStream::connect_timeout(&self.addr, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        if self.protocol == Protocol::WebSocket {
            stream.write_all(self.head.as_bytes())?;
            let answer = read_head(&mut stream)?;
            ensure!(answer.starts_with("HTTP/1.1 101 "), "refused: {answer}");
            let compresses = answer.to_ascii_lowercase().contains("permessage-deflate");
            ensure!(compresses == self.head.contains("permessage-deflate"), "compression is not as asked: {answer}");
        }
        Ok(stream)
    }
}

fn head(addr: SocketAddr, path: &str, extensions: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
    )
}

/// Reads the head and nothing behind it: a server may speak first.
fn read_head(stream: &mut TcpStream) -> Result<String> {
    const MAX: usize = 8 * 1024;
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.ends_with(END) {
        let count = stream.peek(&mut part).context("no answer to the handshake")?;
        ensure!(count > 0 && head.len() < MAX, "the answer to the handshake does not end");
        let known = head.len();
        head.extend(&part[..count]);
        if let Some(at) = head.windows(END.len()).position(|window| window == END) {
            head.truncate(at + END.len());
        }
        stream.read_exact(&mut part[..head.len() - known])?;
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
