//! What the hub sends, numbered.

use std::{
    fmt::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

/// The author of what no client has said.
const SYSTEM: &str = "system";

/// Numbers what is sent, and guests. Clones go on with the same numbers.
#[derive(Clone, Default)]
pub(crate) struct Clerk {
    messages: Arc<AtomicU64>,
    guests: Arc<AtomicU64>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Chat,
    Notification,
    Heartbeat,
    System,
    UserJoined,
    UserLeft,
    UserList,
    Error,
}

/// A message as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct Envelope {
    r#type: Kind,
    content: String,
    from: String,
    /// In seconds.
    timestamp: i64,
    /// `YYYYMMDDHHMMSS-N`, in UTC.
    id: String,
    data: Option<Value>,
}

/// A user, as all others see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pub(crate) username: String,
    pub(crate) user_id: String,
}

impl Clerk {
    /// A message of a client.
    pub(crate) fn envelope(&self, kind: Kind, from: &str, content: String, data: Option<Value>) -> Envelope {
        let now = OffsetDateTime::now_utc();
        let (date, clock) = (now.date(), now.time());
        let day = format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day());
        let second = format!("{:02}{:02}{:02}", clock.hour(), clock.minute(), clock.second());
        let id = format!("{day}{second}-{}", next(&self.messages));
        Envelope { r#type: kind, content, from: from.to_owned(), timestamp: now.unix_timestamp(), id, data }
    }

    /// A message of the hub's own.
    pub(crate) fn system(&self, kind: Kind, content: impl Into<String>, data: Option<Value>) -> Envelope {
        self.envelope(kind, SYSTEM, content.into(), data)
    }

    /// A name for who has none.
    pub(crate) fn guest(&self) -> String {
        format!("guest-{}", next(&self.guests))
    }
}

/// For the log: a name can't begin a line of its own there.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut write = |text: &str| {
            text.chars().try_for_each(|c| f.write_char(if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }))
        };
        write(&self.username)?;
        write(" (")?;
        write(&self.user_id)?;
        write(")")
    }
}

fn next(numbers: &AtomicU64) -> u64 {
    numbers.fetch_add(1, Ordering::Relaxed) + 1
}
