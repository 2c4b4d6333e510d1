//! What typed sockets speak: JSON, or messages as they are.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    asking::id_in,
    proto::{Message, Op, Payload, Text},
};
use crate::error::{Error, Result};

/// What can be received: [`Message`] as it comes, anything that is `serde::Deserialize` as JSON.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be received from a socket",
    label = "not an inbound message",
    note = "derive `serde::Deserialize` for `{Self}`, or use `Message`"
)]
pub trait Inbound: Sized + Send + 'static {
    #[doc(hidden)]
    fn decode(message: Message) -> Result<Self>;
}

/// What can be sent: [`Message`] as it is, anything that is `serde::Serialize` as JSON text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be sent over a socket",
    label = "not an outbound message",
    note = "derive `serde::Serialize` for `{Self}`, or use `Message`"
)]
pub trait Outbound {
    #[doc(hidden)]
    fn encode(&self) -> Result<Encoded<'_>>;
}

/// A message in the form it has on the wire.
#[derive(Debug)]
pub struct Encoded<'a> {
    pub(crate) op: Op,
    pub(crate) payload: Payload<'a>,
}

impl<'a> Encoded<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self { op: Op::Text, payload: Payload::Slice(text.as_bytes()) }
    }

    pub(crate) fn binary(bytes: &'a [u8]) -> Self {
        Self { op: Op::Binary, payload: Payload::Slice(bytes) }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self.op, Op::Text)
    }

    /// The message, to be kept.
    pub(crate) fn into_message(self) -> Result<Message> {
        let bytes = match self.payload {
            Payload::Owned(bytes) => bytes.into(),
            payload => payload.from(0),
        };
        Ok(match self.op {
            Op::Text => Message::Text(bytes.try_into()?),
            _ => Message::Binary(bytes),
        })
    }

    pub(crate) fn into_owned(self) -> Encoded<'static> {
        Encoded { op: self.op, payload: self.payload.into_owned() }
    }
}

impl Inbound for Message {
    fn decode(message: Message) -> Result<Self> {
        Ok(message)
    }
}

impl<T: DeserializeOwned + Send + 'static> Inbound for T {
    fn decode(message: Message) -> Result<Self> {
        from_json(&expect_text(message)?)
    }
}

impl Outbound for Message {
    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(match self {
            Self::Text(text) => Encoded { op: Op::Text, payload: text.payload() },
            Self::Binary(bytes) => Encoded { op: Op::Binary, payload: Payload::Shared(bytes) },
        })
    }
}

impl<T: Serialize + ?Sized> Outbound for T {
    fn encode(&self) -> Result<Encoded<'_>> {
        Ok(Encoded { op: Op::Text, payload: Payload::Owned(serde_json::to_vec(self)?) })
    }
}

pub(crate) fn expect_text(message: Message) -> Result<Text> {
    match message {
        Message::Text(text) => Ok(text),
        Message::Binary(_) => Err(Error::unexpected_kind("text", "binary")),
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::invalid_message(error).asked_by(id_in(text)))
}
