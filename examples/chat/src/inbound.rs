//! What clients send.

use serde::Deserialize;
use serde_json::{Value, error::Category};
use sockeye::{Message, Offset};

use crate::outbound::{Code, Refusal};

/// The types that a client may send.
const TYPES: [&str; 5] = ["message", "typing", "ping", "read", "history"];
/// Characters that a message may have.
const LONGEST: usize = 16_384;
/// Bytes that a client's own id of a message may have.
const LONGEST_ID: usize = 64;
/// Messages in a page that does not say how many it wants, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;
/// Characters that a complaint may have.
const LONGEST_COMPLAINT: usize = 200;

/// An event of a client's. What it holds besides must be JSON, and is left out.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Request {
    Message {
        content: String,
        /// The client's own id of the message, which its receipt will name.
        client_id: Option<String>,
    },
    Typing {
        is_typing: bool,
    },
    Ping,
    Read {
        message_id: Offset,
    },
    History {
        before: Option<Offset>,
        limit: Option<u64>,
    },
}

impl Request {
    /// Reads it, or says what is wrong with it.
    pub(crate) fn parse(message: &Message) -> Result<Self, Refusal> {
        let Message::Text(text) = message else {
            return Err(Refusal::new(Code::InvalidMessage, "expected a text message, got a binary one"));
        };
        // First as any JSON: what is no part of an event is to be right, too.
        let value: Value = serde_json::from_str(text).map_err(|error| complaint(&error))?;
        let Value::Object(fields) = &value else {
            return Err(Refusal::new(Code::InvalidMessage, "expected an object with a `type`"));
        };
        if let Some(Value::String(kind)) = fields.get("type") {
            if !TYPES.contains(&kind.as_str()) {
                let known = TYPES.map(|known| format!("`{known}`")).join(", ");
                let text = format!("expected one of the types {known}, got `{kind:.40}`");
                return Err(Refusal::new(Code::UnknownType, text));
            }
        }
        // From the text again: the value would not say that a field came twice.
        let request: Self = serde_json::from_str(text).map_err(|error| complaint(&error))?;
        request.check().map(|()| request)
    }

    /// The client's own id of the message, if it is one and has one.
    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::Message { client_id, .. } => client_id.as_deref(),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let Self::Message { content, client_id } = self else { return Ok(()) };
        if let Some(id) = client_id.as_ref().filter(|id| id.is_empty() || id.len() > LONGEST_ID) {
            let text = format!("expected a `client_id` of 1 to {LONGEST_ID} bytes, got {}", id.len());
            return Err(Refusal::new(Code::InvalidMessage, text));
        }
        let refusal = |code, count| {
            let text = format!("expected a `content` of 1 to {LONGEST} characters, got {count}");
            Err(Refusal::new(code, text).of(client_id.as_deref()))
        };
        match content.chars().count() {
            0 => refusal(Code::InvalidMessage, 0),
            count if count > LONGEST => refusal(Code::TooLong, count),
            _ => Ok(()),
        }
    }
}

/// How many messages a page has that is to have so many.
pub(crate) fn page_size(limit: Option<u64>) -> usize {
    limit.map_or(PAGE, |limit| limit.clamp(1, LARGEST_PAGE as u64) as usize)
}

fn complaint(error: &serde_json::Error) -> Refusal {
    let code = match error.classify() {
        Category::Data => Code::InvalidMessage,
        _ => Code::InvalidJson,
    };
    // serde names what came, which may be as long as the message.
    Refusal::new(code, format!("{:.LONGEST_COMPLAINT$}", error.to_string()))
}
