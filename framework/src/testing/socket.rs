//! The client's end of a socket.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use ::http::{HeaderMap, Response, header};
use bytes::Bytes;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tungstenite::{
    Error as CodecError, Message as Wire,
    protocol::{CloseFrame as WireClose, frame::coding::CloseCode as WireCode},
};

use super::{client::Shared, codec::Codec};
use crate::{
    error::{Error, Result},
    ws::{CloseCode, CloseFrame, Message, Text, proto},
};

/// An open socket, seen from the client. Dropped, it breaks off without a close frame.
pub struct TestSocket {
    shared: Arc<Shared>,
    path: String,
    /// The address that the server knows us by.
    own: SocketAddr,
    headers: HeaderMap,
    codec: Codec,
    closed: Option<Closed>,
}

/// How the socket was closed by the server, as a browser would report it: 1005 for a close frame without a code, 1006 for
/// an end without a close frame (RFC 6455 section 7.1.5).
#[derive(Clone, Debug)]
struct Closed(CloseFrame);

impl Closed {
    fn unsent(code: CloseCode) -> Self {
        Self(CloseFrame { code, reason: Text::default() })
    }

    /// The frame that was really sent.
    fn frame(&self) -> Option<&CloseFrame> {
        Some(&self.0).filter(|frame| frame.code != CloseCode::NO_STATUS && frame.code != CloseCode::ABNORMAL)
    }
}

impl TestSocket {
    pub(super) async fn open(
        shared: Arc<Shared>,
        path: String,
        own: SocketAddr,
        key: &str,
        response: Response<Incoming>,
    ) -> Result<Self> {
        let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accept.is_none_or(|accept| *accept != proto::accept_key(key.as_bytes())) {
            return Err(Error::other(format!("the handshake of {path} has the wrong `Sec-WebSocket-Accept`")));
        }
        let headers = response.headers().clone();
        let stream = hyper::upgrade::on(response).await?;
        Ok(Self { shared, path, own, headers, codec: Codec::new(Box::new(TokioIo::new(stream))), closed: None })
    }

    /// The path it was opened with.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The header lines of the 101.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&str> {
        self.headers.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|protocol| protocol.to_str().ok())
    }

    /// The server's close frame, once it came with a code.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        self.closed.as_ref().and_then(Closed::frame)
    }

    /// Waits for one message.
    ///
    /// # Errors
    ///
    /// A disconnect once the server has closed; or when the client's patience is over.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no message.
    pub async fn receive(&mut self) -> Result<Message> {
        self.receive_as("a message").await
    }

    /// Waits for one text message. Fails like [`receive`](Self::receive), and on a binary message.
    pub async fn receive_text(&mut self) -> Result<Text> {
        match self.receive_as("a text message").await? {
            Message::Text(text) => Ok(text),
            Message::Binary(bytes) => {
                Err(Error::other(format!("expected a text message on {}, got {} binary bytes", self.path, bytes.len())))
            }
        }
    }

    /// Waits for one binary message. Fails like [`receive`](Self::receive), and on a text message.
    pub async fn receive_bytes(&mut self) -> Result<Bytes> {
        match self.receive_as("a binary message").await? {
            Message::Binary(bytes) => Ok(bytes),
            Message::Text(text) => {
                Err(Error::other(format!("expected a binary message on {}, got the text {text:?}", self.path)))
            }
        }
    }

    /// Waits for one text message of JSON. Fails like [`receive_text`](Self::receive_text), and on what is not of type `T`.
    pub async fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let text = self.receive_text().await?;
        let wrong =
            |error| Error::other(format!("expected JSON of another shape on {}, got {text}: {error}", self.path));
        serde_json::from_str(&text).map_err(wrong)
    }

    /// Waits for one message; `None` once the server has closed.
    pub async fn next(&mut self) -> Option<Result<Message>> {
        match self.receive().await {
            Err(error) if error.is_disconnect() => None,
            received => Some(received),
        }
    }

    async fn receive_as(&mut self, what: &str) -> Result<Message> {
        let shared = self.shared.clone();
        let what = format!("{what} on {}", self.path);
        match shared.wait(&what, self.read()).await? {
            Ok(message) => Ok(message),
            Err(closed) => {
                let failures = shared.failures();
                if failures.is_empty() {
                    return Err(Error::disconnected(closed.frame().cloned()));
                }
                Err(Error::other(format!("waited for {what}, but the socket is closed{failures}")))
            }
        }
    }

    /// The next message, or how the socket was closed. Control messages are the codec's business.
    async fn read(&mut self) -> std::result::Result<Message, Closed> {
        if let Some(closed) = &self.closed {
            return Err(closed.clone());
        }
        let closed = loop {
            match self.codec.read().await {
                Ok(Wire::Text(text)) => return Ok(Message::text(text.as_str())),
                Ok(Wire::Binary(bytes)) => return Ok(Message::binary(bytes)),
                Ok(Wire::Close(Some(frame))) => break Closed(from_wire(frame)),
                Ok(Wire::Close(None)) => break Closed::unsent(CloseCode::NO_STATUS),
                Ok(_) => {}
                Err(_) => break Closed::unsent(CloseCode::ABNORMAL),
            }
        };
        self.closed = Some(closed.clone());
        Err(closed)
    }

    /// Sends a text message.
    ///
    /// # Errors
    ///
    /// A disconnect once the socket is closed.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<()> {
        self.send_wire(Wire::text(text.into())).await
    }

    /// Sends a binary message. Fails like [`send_text`](Self::send_text).
    pub async fn send_bytes(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.send_wire(Wire::binary(bytes.as_ref().to_vec())).await
    }

    /// Sends a value as JSON in a text message. Fails like [`send_text`](Self::send_text).
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.send_wire(Wire::text(serde_json::to_string(value)?)).await
    }

    /// Sends a ping; the server's pong is not shown.
    pub async fn ping(&mut self, payload: impl AsRef<[u8]>) -> Result<()> {
        self.send_wire(Wire::Ping(payload.as_ref().to_vec().into())).await
    }

    /// Sends a message. Fails like [`send_text`](Self::send_text).
    pub async fn send(&mut self, message: &Message) -> Result<()> {
        match message {
            Message::Text(text) => self.send_text(text.as_str()).await,
            Message::Binary(bytes) => self.send_bytes(bytes).await,
        }
    }

    async fn send_wire(&mut self, message: Wire) -> Result<()> {
        let shared = self.shared.clone();
        let what = format!("the server to take a message on {}", self.path);
        match shared.wait(&what, self.codec.send(message)).await? {
            Ok(()) => Ok(()),
            Err(CodecError::ConnectionClosed | CodecError::AlreadyClosed | CodecError::Protocol(_)) => {
                Err(Error::disconnected(self.close_frame().cloned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Closes with a code, and waits until the server has answered and closed the connection. Messages that were on
    /// their way are dropped.
    ///
    /// # Errors
    ///
    /// When the client's patience is over, or the connection breaks without a close frame.
    pub async fn close(&mut self, code: impl Into<CloseCode>) -> Result<()> {
        self.close_with(code, "").await
    }

    /// Closes with a code and a reason; see [`close`](Self::close).
    pub async fn close_with(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<()> {
        if self.closed.is_none() {
            let code = WireCode::from(code.into().as_u16());
            let frame = WireClose { code, reason: reason.to_owned().into() };
            self.send_wire(Wire::Close(Some(frame))).await?;
        }
        let shared = self.shared.clone();
        let what = format!("the server's close frame on {}", self.path);
        shared.wait(&what, async { while self.read().await.is_ok() {} }).await?;
        if self.closed.as_ref().is_some_and(|closed| closed.0.code == CloseCode::ABNORMAL) {
            return Err(Error::other(format!(
                "waited for {what}, but the connection broke without one{}",
                shared.failures()
            )));
        }
        let what = format!("the server to close the connection of {}", self.path);
        shared.wait(&what, async { while self.codec.read().await.is_ok() {} }).await
    }

    /// Asserts that the socket is closed with this code, and gives the frame. 1005 stands for a close frame without a
    /// code, 1006 for none at all, as in a browser.
    ///
    /// # Panics
    ///
    /// If a message comes, another code, or nothing for as long as the client has patience.
    pub async fn expect_close(&mut self, code: impl Into<CloseCode>) -> Result<CloseFrame> {
        let code = code.into();
        let shared = self.shared.clone();
        let what = format!("the close of {} with {code}", self.path);
        let closed = match shared.wait(&what, self.read()).await {
            Ok(Err(closed)) => closed,
            Ok(Ok(message)) => panic!("waited for {what}, got the message {message:?}"),
            Err(error) => panic!("{error}"),
        };
        if code == CloseCode::INTERNAL {
            shared.expected_failure(self.own);
        }
        let failures = shared.failures();
        assert!(closed.0.code == code, "waited for {what}, got {}{failures}", closed.0);
        Ok(closed.0)
    }

    /// Asserts that nothing comes for so long.
    ///
    /// # Panics
    ///
    /// If a message comes, or the socket closes.
    pub async fn expect_silence(&mut self, duration: Duration) -> Result<()> {
        let path = self.path.clone();
        match tokio::time::timeout(duration, self.read()).await {
            Err(_) => Ok(()),
            Ok(Ok(message)) => panic!("expected {duration:?} of silence on {path}, got the message {message:?}"),
            Ok(Err(closed)) => {
                let failures = self.shared.failures();
                panic!("expected {duration:?} of silence on {path}, but it was closed: {}{failures}", closed.0)
            }
        }
    }
}

fn from_wire(frame: WireClose) -> CloseFrame {
    CloseFrame { code: CloseCode::from(u16::from(frame.code)), reason: frame.reason.as_str().into() }
}

impl fmt::Debug for TestSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestSocket").field("path", &self.path).field("closed", &self.closed).finish_non_exhaustive()
    }
}
