//! What clients send.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::clerk::Kind;

/// A message as it comes. What it holds besides must be JSON that can be read, and is left out.
#[derive(Deserialize)]
pub(crate) struct Inbound {
    #[serde(rename = "type", deserialize_with = "kind")]
    pub(crate) kind: Kind,
    pub(crate) content: Option<String>,
    /// The client's clock, in milliseconds. The hub sends its own.
    #[serde(rename = "timestamp")]
    _timestamp: Option<f64>,
    #[serde(flatten)]
    _rest: HashMap<String, Value>,
}

/// What clients may say; the other kinds are the hub's.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "chat" => Ok(Kind::Chat),
        "notification" => Ok(Kind::Notification),
        "heartbeat" => Ok(Kind::Heartbeat),
        other => Err(de::Error::custom(Unknown(other))),
    }
}

/// The refusal of a type.
struct Unknown<'a>(&'a str);

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As much of it as anybody would read.
        write!(f, "expected the type `chat`, `notification` or `heartbeat`, got `{:.40}`", self.0)
    }
}
