//! What `message` and `#[on]` methods take.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Fault;
use crate::{
    http::Json,
    ws::{Inbound, Message, Text, expect_bytes, expect_text, from_json},
};

/// What the method `message` of an event handler can take: [`Message`] as it comes, `String`, [`Text`], `Vec<u8>`,
/// `Bytes`, or `Json<T>`.
///
/// A binary message where text is taken, or the reverse, closes the connection with 1003. For `Json<T>` the route's
/// option `invalid` says what happens to a message that does not fit.
#[diagnostic::on_unimplemented(
    message = "a message can't be taken as `{Self}`",
    label = "not a message",
    note = "take `Message`, `String`, `Text`, `Vec<u8>`, `Bytes` or `Json<T>`"
)]
pub trait FromMessage: Sized + Send {
    #[doc(hidden)]
    fn from_message(message: Message) -> Result<Self, Fault>;
}

impl FromMessage for Message {
    fn from_message(message: Message) -> Result<Self, Fault> {
        Ok(message)
    }
}

impl FromMessage for Text {
    fn from_message(message: Message) -> Result<Self, Fault> {
        expect_text(message).map_err(Fault::Refused)
    }
}

impl FromMessage for String {
    fn from_message(message: Message) -> Result<Self, Fault> {
        Text::from_message(message).map(|text| text.as_str().to_owned())
    }
}

impl FromMessage for Bytes {
    fn from_message(message: Message) -> Result<Self, Fault> {
        expect_bytes(message).map_err(Fault::Refused)
    }
}

impl FromMessage for Vec<u8> {
    fn from_message(message: Message) -> Result<Self, Fault> {
        Bytes::from_message(message).map(Vec::from)
    }
}

impl<T: DeserializeOwned + Send> FromMessage for Json<T> {
    fn from_message(message: Message) -> Result<Self, Fault> {
        expect_text(message).and_then(|text| from_json(&text)).map(Json).map_err(Fault::Invalid)
    }
}

/// What an `#[on]` method takes.
pub fn event<T: Inbound>(message: Message) -> Result<T, Fault> {
    T::decode(message).map_err(Fault::Invalid)
}
