//! A socket to the chat, and what comes over it. The client is tungstenite's, so nothing of the framework is on this side.

use std::{fmt, io, net::SocketAddr, time::Duration};

use anyhow::Result;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{error::Elapsed, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, Message, error::ProtocolError, protocol::WebSocketConfig},
};

/// A server that is there takes a connection, and a word, within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event {
    Connected { active_users: Vec<User> },
    History { messages: Vec<Posted>, recovered: bool, more: bool },
    Message(Posted),
    UserJoined(User),
    UserLeft(User),
    Typing {},
    Read {},
    Pong,
    Error { code: String, client_id: Option<String> },
}

#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) user_id: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Posted {
    pub(crate) id: u64,
    pub(crate) user_id: u64,
    pub(crate) content: String,
}

/// The promise that a message is stored.
#[derive(Debug, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) message_id: u64,
    pub(crate) client_id: Option<String>,
}

/// What comes: an event, or a receipt, which is flat.
#[derive(Debug)]
pub(crate) enum Came {
    Event(Event),
    Receipt(Receipt),
}

/// Why a socket is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lost {
    /// No connection, or none any more.
    Cut(String),
    /// The handshake was answered with this status.
    Refused(u16),
    /// A close frame with this code.
    Closed(u16),
    /// It took too long.
    Silent,
}

impl From<Elapsed> for Lost {
    fn from(_: Elapsed) -> Self {
        Self::Silent
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Cut(error.kind().to_string())
    }
}

impl From<tungstenite::Error> for Lost {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Http(answer) => Self::Refused(answer.status().as_u16()),
            tungstenite::Error::Io(error) => error.into(),
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Cut("reset".to_owned()),
            tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => Self::Cut("handshake".to_owned()),
            error => Self::Cut(error.to_string()),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(why) => f.write_str(why),
            Self::Refused(status) => write!(f, "HTTP {status}"),
            Self::Closed(code) => write!(f, "close {code}"),
            Self::Silent => f.write_str("silence"),
        }
    }
}

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects to a room as a user, from the message after `since` on if it is given.
    pub(crate) async fn open(door: SocketAddr, room: &str, user: u64, since: Option<u64>) -> Result<Self, Lost> {
        let since = since.map(|since| format!("&since={since}")).unwrap_or_default();
        let url = format!("ws://{door}/ws/{room}?user_id={user}&username=user%20{user}{since}");
        timeout(PATIENCE, async {
            let stream = TcpStream::connect(door).await?;
            stream.set_nodelay(true)?;
            let config = WebSocketConfig::default().read_buffer_size(4096);
            Ok(Self(client_async_with_config(url, stream, Some(config)).await?.0))
        })
        .await?
    }

    pub(crate) async fn send(&mut self, event: &Value) -> Result<(), Lost> {
        Ok(timeout(PATIENCE, self.0.send(Message::text(event.to_string()))).await??)
    }

    /// What comes next, however long that takes. May be cancelled.
    ///
    /// # Panics
    ///
    /// If it is nothing that the chat may send.
    pub(crate) async fn next(&mut self) -> Result<Came, Lost> {
        loop {
            match self.0.next().await.ok_or_else(|| Lost::Cut("end".to_owned()))?? {
                Message::Text(text) => return Ok(came(&text)),
                Message::Close(frame) => return Err(Lost::Closed(frame.map_or(1005, |frame| frame.code.into()))),
                Message::Binary(_) => panic!("expected text from the chat, got bytes"),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Waits for a ping, however long that takes. Its answer goes with what is sent or received next.
    pub(crate) async fn ping(&mut self) -> Result<(), Lost> {
        loop {
            if self.0.next().await.ok_or_else(|| Lost::Cut("end".to_owned()))??.is_ping() {
                return Ok(());
            }
        }
    }

    /// Says goodbye, and hears it.
    pub(crate) async fn close(mut self) {
        // Whoever has gone already needs no goodbye.
        _ = timeout(PATIENCE, async {
            self.0.close(None).await?;
            while self.0.next().await.transpose()?.is_some() {}
            Ok::<_, tungstenite::Error>(())
        })
        .await;
    }

    /// Is gone with a reset.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().expect("an open socket");
    }
}

fn came(text: &str) -> Came {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text:.500}"));
    let read = match value["type"] == "message_sent" {
        true => serde_json::from_value(value).map(Came::Receipt),
        false => serde_json::from_value(value).map(Came::Event),
    };
    read.unwrap_or_else(|error| panic!("{error} in {text:.500}"))
}
