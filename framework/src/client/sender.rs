//! The half of a client that sends, asks and ends.

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::{cause::Cause, outbox::Entry, shared::Shared, state::State};
use crate::{
    error::{Error, Result},
    rt,
    ws::{CloseCode, CloseFrame, Message, Outbound, Text, read_answer, with_id},
};

/// A handle of a [`Client`](super::Client) that sends: clones, and may be used from any task. It does not keep the client
/// alive.
pub struct Sender<Out = Message> {
    pub(super) shared: Arc<Shared>,
    types: PhantomData<fn(Out)>,
}

impl<Out> Sender<Out> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, types: PhantomData }
    }

    /// Sends a text message: puts it into the queue, from which it goes to the server as soon as there is a connection.
    ///
    /// While there is a connection it waits only when the queue is full, which a slow server makes it. While there is
    /// none it does not wait: the oldest message in a full queue makes room, which
    /// [`Event::Dropped`](super::Event::Dropped) tells. What one task sends arrives in that order.
    ///
    /// A message that was handed to a connection which then breaks may be lost, and is not sent again. Use
    /// [`request`](Self::request) for those that must not be lost in silence.
    ///
    /// # Errors
    ///
    /// When the client has ended or is to end ([`Error::is_offline`]), and for a message that is larger than the queue
    /// ([`Error::is_limit`]).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing was sent.
    pub async fn send_text(&self, text: impl Into<Text> + Send) -> Result<()> {
        self.push(Message::Text(text.into())).await
    }

    /// Sends a binary message. Waits, fails and may be cancelled like [`send_text`](Self::send_text).
    pub async fn send_bytes(&self, bytes: impl Into<Bytes> + Send) -> Result<()> {
        self.push(Message::Binary(bytes.into())).await
    }

    /// Sends a value as JSON in a text message. Waits, fails and may be cancelled like [`send_text`](Self::send_text); it
    /// also fails when the value can't be JSON.
    pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        self.push(Message::text(serde_json::to_string(value)?)).await
    }

    async fn push(&self, message: Message) -> Result<()> {
        self.shared.push(Entry { message, question: None, connection: None }).await
    }

    /// The state now. [`Event::State`](super::Event::State) tells when it changes.
    pub fn state(&self) -> State {
        self.shared.state.borrow().clone()
    }

    /// Waits until there is a connection.
    ///
    /// # Errors
    ///
    /// When the client has ended ([`Error::is_offline`]).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn opened(&self) -> Result<()> {
        match self.wait_for(|state| state.is_open() || state.is_closed()).await {
            State::Closed(cause) => Err(cause.into_error()),
            _ => Ok(()),
        }
    }

    /// Waits until the client has ended, and gives the reason.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn closed(&self) -> Cause {
        match self.wait_for(State::is_closed).await {
            State::Closed(cause) => cause,
            other => Cause::lost(format_args!("expected the client to have ended, it is {other}")),
        }
    }

    async fn wait_for(&self, is_such: impl FnMut(&State) -> bool) -> State {
        let mut states = self.shared.state.subscribe();
        match states.wait_for(is_such).await {
            Ok(state) => state.clone(),
            // Its sender is in what we hold.
            Err(_) => self.state(),
        }
    }

    /// Ends a wait for the next attempt at once; does nothing otherwise. For an app that knows better: the network is
    /// back, the user has asked for it.
    pub fn reconnect(&self) {
        self.shared.hurry.notify_waiters();
    }

    /// Ends the client: sends what is in the queue, then a close frame with this code, and waits until the server has
    /// answered it and closed the connection, for at most [`Builder::close_timeout`](super::Builder::close_timeout).
    /// Without a connection it ends at once.
    ///
    /// Nothing can be sent once it was called. What comes meanwhile can still be received.
    ///
    /// # Errors
    ///
    /// When messages in the queue could not be sent ([`Error::is_offline`]), and for a code that may not be sent (RFC 6455
    /// section 7.4).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the client ends all the same.
    pub async fn close(&self, code: impl Into<CloseCode>) -> Result<()> {
        self.close_with(code, "").await
    }

    /// Like [`close`](Self::close), with a reason. Of more than 123 bytes the rest is cut off, at a character.
    pub async fn close_with(&self, code: impl Into<CloseCode>, reason: impl AsRef<str>) -> Result<()> {
        let code = code.into();
        if !code.is_sendable() {
            return Err(Error::invalid_close(code));
        }
        self.shared.outbox.close(CloseFrame { code, reason: reason.as_ref().into() });
        let cause = self.closed().await;
        match self.shared.outbox.len() {
            0 => Ok(()),
            unsent => {
                let cause =
                    Cause::lost(format_args!("{unsent} messages were not sent before the client ended: {cause}"));
                Err(cause.into_error())
            }
        }
    }
}

impl<Out: Outbound> Sender<Out> {
    /// Sends a message of the client's type. Waits, fails and may be cancelled like [`send_text`](Self::send_text); it
    /// also fails when the message can't be JSON.
    pub async fn send(&self, message: &Out) -> Result<()> {
        self.push(message.encode()?.into_message()?).await
    }

    /// Asks the server: sends a message with an `id` of its own, and waits for the answer to it, which is read as `T`.
    ///
    /// The message has to be a JSON object with a `type` and without an `id`. What answers is `{"type":"reply","id":…,"data":…}` or
    /// `{"type":"error","id":…,"data":{"code":…,"message":…}}`. Somebody has to take what comes meanwhile
    /// ([`Client::next`](super::Client::next)): the answer waits behind an inbox that is full.
    ///
    /// # Errors
    ///
    /// - The server answers with an error ([`Error::is_answer`]), which has a code ([`Error::code`]).
    /// - No answer within `timeout`, which also counts the time until there is a connection ([`Error::is_timeout`]).
    /// - The connection is lost, or the client ended, before the answer came ([`Error::is_offline`]). The server may have
    ///   done what it was asked for.
    /// - The answer is not a `T` ([`Error::is_invalid_message`]).
    /// - 1,024 questions have no answer yet ([`Error::is_limit`]).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, the question is not sent, or its answer is thrown away.
    pub async fn request<T: DeserializeOwned>(&self, message: &Out, timeout: Duration) -> Result<T> {
        let Message::Text(text) = message.encode()?.into_message()? else {
            return Err(Error::unexpected_kind("text", "binary"));
        };
        let (id, answer) = self.shared.outbox.ask()?;
        let _forgotten_at_the_end = Asked { shared: &self.shared, id };
        let message = Message::text(with_id(text.into(), id)?);
        let asked = async {
            self.shared.push(Entry { message, question: Some(id), connection: None }).await?;
            answer.await.unwrap_or(Err(Cause::Asked)).map_err(Cause::into_error)
        };
        let answer = rt::timeout(timeout, asked)
            .await
            .unwrap_or_else(|_| Err(Error::timeout(format!("expected an answer within {timeout:?}, got none"))))?;
        read_answer(&answer)
    }
}

struct Asked<'s> {
    shared: &'s Shared,
    id: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.shared.outbox.forget(self.id);
    }
}

impl<Out> Clone for Sender<Out> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<Out> fmt::Debug for Sender<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("state", &self.state()).finish_non_exhaustive()
    }
}
