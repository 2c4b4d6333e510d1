//! A stream of texts as a sequence of messages.

use std::{borrow::Cow, fmt, future::poll_fn, pin::pin, sync::Arc, task::ready};

use futures_core::Stream;
use serde::Serialize;

use super::{
    Connection,
    proto::{Op, Payload, Text},
};
use crate::error::{Error, Result};

/// What a stream for `send_stream` may give: texts, and results of texts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a part of a streamed answer",
    label = "not a text",
    note = "give `String`, `&str`, `Text`, or a `Result` of one with an error that can be displayed"
)]
pub trait Part {
    /// The text, or what the error says.
    fn into_part(self) -> Result<String, String>;
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Part for $text {
            fn into_part(self) -> Result<String, String> {
                Ok(self.to_string())
            }
        }
    )*};
}

texts!(&str, Cow<'_, str>, Box<str>, Arc<str>, Text, char);

impl Part for String {
    fn into_part(self) -> Result<String, String> {
        Ok(self)
    }
}

impl<T: Part, E: fmt::Display> Part for Result<T, E> {
    fn into_part(self) -> Result<String, String> {
        self.map_err(|error| error.to_string()).and_then(Part::into_part)
    }
}

/// The messages of a streamed answer.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Step<'a> {
    Start,
    Chunk { content: &'a str },
    Done,
    Error { message: &'a str },
}

/// Sends all that the stream gives. The peer's leaving ends it, whatever it waits for.
pub(super) async fn send_stream<S: Stream<Item: Part>>(connection: &Arc<Connection>, stream: S) -> Result<()> {
    tokio::select! {
        biased;
        // Nobody is there any more whom the rest would reach.
        () = connection.closed() => Err(connection.disconnected()),
        // The stream has ended, and the peer was told so.
        sent = send_steps(connection, stream) => sent,
    }
}

async fn send_steps<S: Stream<Item: Part>>(connection: &Arc<Connection>, stream: S) -> Result<()> {
    let mut stream = pin!(stream);
    send(connection, Step::Start).await?;
    loop {
        // Only who can send asks for more.
        let part = poll_fn(|cx| {
            ready!(connection.poll_room(cx))?;
            stream.as_mut().poll_next(cx).map(|part| Ok::<_, Error>(part.map(Part::into_part)))
        });
        match part.await? {
            Some(Ok(content)) => send(connection, Step::Chunk { content: &content }).await?,
            Some(Err(message)) => {
                tracing::warn!(connection = connection.id, "a streamed answer failed: {message}");
                return send(connection, Step::Error { message: &message }).await;
            }
            None => return send(connection, Step::Done).await,
        }
    }
}

async fn send(connection: &Arc<Connection>, step: Step<'_>) -> Result<()> {
    let encoded = Payload::Owned(serde_json::to_vec(&step)?);
    poll_fn(|cx| connection.poll_send(cx, Op::Text, &encoded)).await
}
