//! A server in memory whose part the test plays: nothing happens but what it does, and the clock can stand still.

use std::io;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderMap, Uri};
use sockeye::{
    Inbound,
    client::{Builder, Client},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::CloseFrame,
    },
};

use crate::robustness::raw::soon;

/// Bytes that are under way at most.
const PIPE: usize = 16 * 1024;

/// Where attempts to connect arrive.
pub(super) struct Stage {
    attempts: mpsc::UnboundedReceiver<DuplexStream>,
}

/// A socket, seen from the server.
pub(super) struct Peer {
    pub(super) socket: WebSocketStream<DuplexStream>,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

/// A client of a server that the test plays.
pub(super) fn stage<In: Inbound, Out>() -> (Builder<In, Out>, Stage) {
    let (sender, attempts) = mpsc::unbounded_channel();
    let way = move || {
        let (ours, theirs) = duplex(PIPE);
        let sent = sender.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused));
        async { sent.map(|()| ours) }
    };
    (Client::builder("ws://stage/x?a=b").over(way), Stage { attempts })
}

impl Stage {
    /// The next attempt, before its handshake.
    pub(super) async fn stream(&mut self) -> DuplexStream {
        soon("an attempt to connect", self.attempts.recv()).await.expect("a client")
    }

    /// Accepts the next attempt.
    pub(super) async fn accept(&mut self) -> Peer {
        let stream = self.stream().await;
        let mut seen = None;
        let look = |request: &Request, mut response: Response| {
            seen = Some((request.uri().clone(), request.headers().clone()));
            if let Some(offered) = request.headers().get("sec-websocket-protocol") {
                let chosen = offered.to_str().unwrap().split(", ").last().unwrap();
                response.headers_mut().insert("sec-websocket-protocol", chosen.parse().unwrap());
            }
            Ok(response)
        };
        let socket = soon("the handshake", accept_hdr_async(stream, look)).await.expect("a good handshake");
        let (uri, headers) = seen.expect("a request");
        Peer { socket, uri, headers }
    }

    /// Answers the next attempt with this status and these header lines, each with its line break.
    pub(super) async fn refuse(&mut self, status: u16, lines: &str, body: &str) {
        let mut stream = self.stream().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            soon("a request", stream.read_buf(&mut head)).await.expect("a head");
        }
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{lines}\r\n{body}");
        stream.write_all(answer.as_bytes()).await.expect("the client takes it");
    }

    /// From now on no attempt arrives.
    pub(super) fn leave(&mut self) {
        self.attempts.close();
        while self.attempts.try_recv().is_ok() {}
    }

    /// Whether an attempt has arrived that was not looked at.
    pub(super) fn is_asked(&mut self) -> bool {
        !self.attempts.is_empty()
    }
}

impl Peer {
    pub(super) async fn send(&mut self, text: &str) {
        soon("the client to take a message", self.socket.send(Message::text(text))).await.expect("a connection");
    }

    /// The next message of any kind; `None` at the end.
    pub(super) async fn receive(&mut self) -> Option<Message> {
        self.socket.next().await.and_then(Result::ok)
    }

    pub(super) async fn text(&mut self) -> String {
        match soon("a text", self.receive()).await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        soon("the client to take the close frame", self.socket.close(Some(frame))).await.expect("a connection");
        while let Some(Ok(_)) = soon("the answer to it", self.socket.next()).await {}
    }
}
