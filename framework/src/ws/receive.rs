//! Receiving: the end of the inbox that a handler holds.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;

pub(super) use super::typed::expect_text;
use super::{
    Connection, Inbound, Message,
    asking::invalid_reply,
    inbox::Gone,
    options::Invalid,
    proto::{Op, Payload},
};
use crate::error::{Error, Result};

/// The right to receive. Whoever holds it last ends the reading: what comes afterwards is dropped.
pub(super) struct Inlet<In> {
    connection: Option<Arc<Connection>>,
    /// The answer to a message that did not parse, until the outbox takes it.
    reply: Option<Box<Payload<'static>>>,
    types: PhantomData<fn() -> In>,
}

impl<In> Inlet<In> {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { connection: Some(connection), reply: None, types: PhantomData }
    }

    pub(super) fn typed<Other>(mut self) -> Inlet<Other> {
        Inlet { connection: self.connection.take(), reply: self.reply.take(), types: PhantomData }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        self.connection.as_ref().expect("only `typed` takes it out, and consumes the inlet")
    }

    /// Waits for a message and reads it with `decode`; what does not fit closes the connection.
    pub(super) async fn receive_as<T>(&mut self, decode: impl Fn(Message) -> Result<T>) -> Result<T> {
        poll_fn(|cx| poll_as(self.connection(), cx, &decode)).await.unwrap_or_else(|gone| Err(gone.into()))
    }
}

impl From<Gone> for Error {
    fn from(gone: Gone) -> Self {
        Self::disconnected(gone.0)
    }
}

impl<In: Inbound> Inlet<In> {
    pub(super) fn poll_typed(&mut self, cx: &mut Context<'_>) -> Poll<Result<In>> {
        self.poll_gone_typed(cx).map(|received| received.unwrap_or_else(|gone| Err(gone.into())))
    }

    pub(super) fn poll_next_typed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<In>>> {
        self.poll_gone_typed(cx).map(Result::ok)
    }

    /// Receives, and treats what does not parse as the route says.
    fn poll_gone_typed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Result<In>, Gone>> {
        loop {
            if let Some(reply) = &self.reply {
                // A peer that is gone needs no answer.
                let _sent_or_gone = ready!(self.connection().poll_send(cx, Op::Text, reply));
                self.reply = None;
            }
            let message = ready!(self.connection().poll_receive(cx))?;
            let error = match In::decode(message) {
                Ok(value) => return Poll::Ready(Ok(Ok(value))),
                Err(error) => error,
            };
            match self.connection().invalid {
                Invalid::Pass => return Poll::Ready(Ok(Err(error))),
                Invalid::Close => return Poll::Ready(Ok(Err(refuse(self.connection(), error)))),
                Invalid::Reply => self.reply = Some(Box::new(Payload::Owned(invalid_reply(&error).into_bytes()))),
            }
        }
    }
}

impl<In> Drop for Inlet<In> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.abandon();
        }
    }
}

fn poll_as<T>(
    connection: &Arc<Connection>,
    cx: &Context<'_>,
    decode: impl Fn(Message) -> Result<T>,
) -> Poll<Result<Result<T>, Gone>> {
    let message = ready!(connection.poll_receive(cx))?;
    Poll::Ready(Ok(decode(message).map_err(|error| refuse(connection, error))))
}

/// Closes the connection over a message that does not fit, as the error says.
fn refuse(connection: &Arc<Connection>, error: Error) -> Error {
    if let Some(frame) = error.wanted_close() {
        connection.close(Some(frame));
    }
    error
}

pub(crate) fn expect_bytes(message: Message) -> Result<Bytes> {
    match message {
        Message::Binary(bytes) => Ok(bytes),
        Message::Text(_) => Err(Error::unexpected_kind("binary", "text")),
    }
}

/// The messages of a socket as a stream that ends when the peer is gone.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/ws")]
/// async fn shout(mut ws: WebSocket) -> Result<()> {
///     let sender = ws.sender();
///     let mut texts = ws.iter_text();
///     while let Some(text) = texts.next().await {
///         sender.send_text(text?.to_uppercase()).await?;
///     }
///     Ok(())
/// }
/// # App::new().route(shout).check().unwrap();
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Iter<'a, T> {
    connection: &'a Arc<Connection>,
    decode: fn(Message) -> Result<T>,
}

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(connection: &'a Arc<Connection>, decode: fn(Message) -> Result<T>) -> Self {
        Self { connection, decode }
    }

    /// Waits for the next message; `None` once the peer is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no message.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&self, cx: &Context<'_>) -> Poll<Option<Result<T>>> {
        poll_as(self.connection, cx, self.decode).map(Result::ok)
    }
}

impl<T> Stream for Iter<'_, T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.poll_item(cx)
    }
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(self.connection).finish()
    }
}
