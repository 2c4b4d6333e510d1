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
    inbox::{Gone, Messages, Received},
    options::Invalid,
    proto::{Op, Payload},
};
use crate::error::{Error, Result};

/// The right to receive. Whoever holds it last ends the reading: what comes afterwards is dropped.
pub(super) struct Inlet<In> {
    source: Source,
    /// The answer to a message that did not parse, until the outbox takes it.
    reply: Option<Box<Payload<'static>>>,
    types: PhantomData<fn() -> In>,
}

impl<In> Inlet<In> {
    pub(super) fn new(connection: Arc<Connection>) -> Self {
        Self { source: Source { connection, handed: None }, reply: None, types: PhantomData }
    }

    pub(super) fn typed<Other>(self) -> Inlet<Other> {
        Inlet { source: self.source, reply: self.reply, types: PhantomData }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.source.connection
    }

    /// Waits for a message and reads it with `decode`; what does not fit closes the connection.
    pub(super) async fn receive_as<T>(&mut self, decode: impl Fn(Message) -> Result<T>) -> Result<T> {
        poll_fn(|cx| self.source.poll_as(cx, &decode)).await.unwrap_or_else(|gone| Err(gone.into()))
    }

    /// The messages, each read with `decode`.
    pub(super) fn iter<T>(&mut self, decode: fn(Message) -> Result<T>) -> Iter<'_, T> {
        Iter { source: &mut self.source, decode }
    }
}

/// Where messages come from: the inbox, and what it has handed over.
struct Source {
    connection: Arc<Connection>,
    handed: Option<Box<Messages>>,
}

impl Source {
    #[inline]
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<Message, Gone>> {
        match self.next_handed() {
            Some(message) => Poll::Ready(Ok(message)),
            None => self.poll_inbox(cx),
        }
    }

    #[inline(never)]
    fn poll_inbox(&mut self, cx: &Context<'_>) -> Poll<Result<Message, Gone>> {
        match self.connection.receive(cx) {
            Received::Message(message, more) => {
                self.handed = more;
                Poll::Ready(Ok(message))
            }
            Received::Gone(gone) => Poll::Ready(Err(gone)),
            Received::Nothing => Poll::Pending,
        }
    }

    #[inline]
    fn next_handed(&mut self) -> Option<Message> {
        let handed = self.handed.as_mut()?;
        let message = handed.pop_front();
        // A receiver that waits holds none.
        self.handed.take_if(|handed| handed.is_empty());
        message
    }

    fn poll_as<T>(&mut self, cx: &Context<'_>, decode: impl Fn(Message) -> Result<T>) -> Poll<Result<Result<T>, Gone>> {
        let message = ready!(self.poll(cx))?;
        Poll::Ready(Ok(decode(message).map_err(|error| refuse(&self.connection, error))))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.connection.abandon();
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
            let message = ready!(self.source.poll(cx))?;
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
    source: &'a mut Source,
    decode: fn(Message) -> Result<T>,
}

impl<T> Iter<'_, T> {
    /// Waits for the next message; `None` once the peer is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no message.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &Context<'_>) -> Poll<Option<Result<T>>> {
        self.source.poll_as(cx, self.decode).map(Result::ok)
    }
}

impl<T> Stream for Iter<'_, T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        self.get_mut().poll_item(cx)
    }
}

impl<T> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.source.connection).finish()
    }
}
