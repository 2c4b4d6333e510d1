//! What the server sends.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use sockeye::{Offset, Presence, Stored};
use time::OffsetDateTime;

use crate::user::User;

#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    Connected {
        room_id: String,
        active_users: Presence,
    },
    History {
        /// The oldest first.
        messages: Vec<Posted>,
        /// Whether nothing is missing so far.
        recovered: bool,
        /// Whether there is a further page.
        more: bool,
    },
    Message(Posted),
    UserJoined(User),
    UserLeft(User),
    Typing {
        #[serde(flatten)]
        user: &'a User,
        is_typing: bool,
    },
    Read {
        #[serde(flatten)]
        user: &'a User,
        message_id: Offset,
    },
    Pong,
    Error(Refusal),
}

/// What is stored of a message; its id and its time are the store's.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) content: String,
}

/// A message as all see it.
#[derive(Serialize)]
pub(crate) struct Posted {
    id: Offset,
    #[serde(flatten)]
    said: Said,
    created_at: Moment,
}

/// The promise that a message is stored, for who has sent it. Flat, unlike all others.
#[derive(Serialize)]
pub(crate) struct Receipt {
    r#type: &'static str,
    message_id: Offset,
    timestamp: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

/// Why an event was not taken.
#[derive(Debug, Serialize)]
pub(crate) struct Refusal {
    message: String,
    code: Code,
    /// The message that it is about, if that had an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    InvalidJson,
    UnknownType,
    InvalidMessage,
    TooLong,
    RateLimited,
    StorageUnavailable,
}

/// A moment in UTC as ISO 8601 has it, with milliseconds.
struct Moment(OffsetDateTime);

impl Event<'_> {
    pub(crate) fn message(stored: &Stored) -> Self {
        Self::Message(Posted::new(stored))
    }

    pub(crate) fn history(messages: &[Stored], recovered: bool, more: bool) -> Self {
        Self::History { messages: messages.iter().map(Posted::new).collect(), recovered, more }
    }
}

impl Posted {
    fn new(stored: &Stored) -> Self {
        // What another program has put into the store is no secret, and nobody's word.
        let foreign = |_| {
            let content = String::from_utf8_lossy(stored.message.as_bytes()).into_owned();
            Said { user: User { user_id: 0, username: "system".to_owned() }, content }
        };
        Self { id: stored.offset, said: stored.json().unwrap_or_else(foreign), created_at: Moment::of(stored) }
    }
}

impl Receipt {
    pub(crate) fn new(stored: &Stored, client_id: Option<String>) -> Self {
        Self { r#type: "message_sent", message_id: stored.offset, timestamp: Moment::of(stored), client_id }
    }
}

impl Refusal {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, client_id: None }
    }

    /// It is about the message with this id.
    pub(crate) fn of(mut self, client_id: Option<&str>) -> Self {
        self.client_id = client_id.map(str::to_owned);
        self
    }
}

impl Moment {
    fn of(stored: &Stored) -> Self {
        let nanos = i128::from(stored.millis()) * 1_000_000;
        // A moment that no calendar has is as good as the first.
        Self(OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, clock) = (self.0.date(), self.0.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "{:02}:{:02}:{:02}.{:03}Z", clock.hour(), clock.minute(), clock.second(), clock.millisecond())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
