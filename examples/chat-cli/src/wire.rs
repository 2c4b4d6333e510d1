//! What goes over the socket: the chat's events.

use serde::{Deserialize, Serialize};
use sockeye::Offset;

/// What the server says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Said {
    Connected {
        data: Connected,
    },
    History {
        data: History,
    },
    Message {
        data: Posted,
    },
    MessageSent(Receipt),
    UserJoined {
        data: User,
    },
    UserLeft {
        data: User,
    },
    Typing {
        data: Typing,
    },
    Read {
        data: Read,
    },
    Pong,
    Error {
        data: Refusal,
    },
    #[serde(other)]
    Unknown,
}

/// What the client says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Request {
    Message { content: String, client_id: String },
    Typing { is_typing: bool },
    Ping,
    Read { message_id: Offset },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connected {
    pub(crate) active_users: Vec<User>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct User {
    pub(crate) user_id: i64,
    pub(crate) username: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct History {
    pub(crate) messages: Vec<Posted>,
    pub(crate) recovered: bool,
    /// There is a further page.
    pub(crate) more: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Posted {
    pub(crate) id: Offset,
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) content: String,
    pub(crate) created_at: String,
}

/// The server has stored what was said.
#[derive(Debug, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) message_id: Offset,
    pub(crate) timestamp: String,
    pub(crate) client_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Typing {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) is_typing: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Read {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) message_id: Offset,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) code: String,
    pub(crate) client_id: Option<String>,
}

impl Said {
    /// Its place in the room's history.
    pub(crate) fn offset(&self) -> Option<Offset> {
        match self {
            Self::Message { data } => Some(data.id),
            // Where nothing was said so far it is at the beginning, and misses nothing from there on.
            Self::History { data } => Some(data.messages.last().map_or(Offset::START, |last| last.id)),
            _ => None,
        }
    }
}

impl Refusal {
    /// The same may be taken later.
    pub(crate) fn is_temporary(&self) -> bool {
        self.is_of_the_store() || self.code == "rate_limited"
    }

    /// The store is away.
    pub(crate) fn is_of_the_store(&self) -> bool {
        self.code == "storage_unavailable"
    }
}
