//! `WebSocket`, the handler's end of a connection.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ::http::{HeaderMap, Uri};
use futures_core::Stream;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Connection, Inbound, Message, Outbound, Params,
    proto::{CloseCode, CloseFrame, Op, Payload, Text},
    receive::{Inlet, Iter, expect_bytes, expect_text},
    request::request,
    split::{Receiver, Sender},
    stream::{Part, send_stream},
    typed::from_json,
};
use crate::{error::Result, rt::BoxFuture};

/// A connection's id: unique within its app, and one word when displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An open WebSocket (RFC 6455).
///
/// Receiving takes `&mut self`, sending takes `&self`. All waiting calls are cancel-safe: dropped before they are done,
/// they have received or sent nothing, so they can stand in a `select!`.
///
/// The connection is read, pings are answered and sent, and the peer's leaving is noticed, whatever the handler waits
/// for. When the handler returns, the connection closes: with 1000 after `Ok`, with 1011 after an error or a panic.
///
/// `In` and `Out` are what is received and sent by [`receive`](Self::receive), [`next`](Self::next) and
/// [`send`](Self::send): [`Message`] as it is, or any serde type as JSON.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/ws")]
/// async fn echo(mut ws: WebSocket) -> Result<()> {
///     while let Some(message) = ws.next().await {
///         ws.send(&message?).await?;
///     }
///     Ok(())
/// }
/// # App::new().route(echo).check().unwrap();
/// ```
pub struct WebSocket<In = Message, Out = Message> {
    pub(super) inlet: Inlet<In>,
    types: PhantomData<fn(Out)>,
}

impl<In, Out> WebSocket<In, Out> {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { inlet: Inlet::new(connection), types: PhantomData }
    }

    /// The same socket with other types of messages.
    pub fn typed<NewIn: Inbound, NewOut: Outbound>(self) -> WebSocket<NewIn, NewOut> {
        WebSocket { inlet: self.inlet.typed(), types: PhantomData }
    }

    /// A half that sends and one that receives; they may go to different tasks.
    ///
    /// The connection still closes when the handler returns.
    pub fn split(self) -> (Sender<Out>, Receiver<In>) {
        (Sender::new(self.inlet.connection().clone()), Receiver { inlet: self.inlet })
    }

    /// A handle that sends, for another task. It can be cloned and does not keep the connection open.
    pub fn sender(&self) -> Sender<Out> {
        Sender::new(self.inlet.connection().clone())
    }

    /// Calls `callback` with each text until the peer is gone, one after the other, and with a [`Sender`] to answer with.
    ///
    /// The callback may borrow what it reads; what it changes goes into a `Cell`, an atomic or a `Mutex`, or into a loop
    /// over [`next`](Self::next) in place of the callback.
    ///
    /// # Errors
    ///
    /// The callback's own, and those of [`receive_text`](Self::receive_text) but for the disconnect.
    ///
    /// ```
    /// use sockeye::prelude::*;
    ///
    /// #[websocket("/ws")]
    /// async fn eco(mut ws: WebSocket) -> Result<()> {
    ///     ws.on_message(async |ws, text| ws.send_text(format!("Eco: {text}")).await).await
    /// }
    /// # App::new().route(eco).check().unwrap();
    /// ```
    pub async fn on_message<F, R>(&mut self, mut callback: F) -> Result<()>
    where
        // Not `AsyncFnMut`: the compiler can't see yet that the future of a callback that borrows is `Send`.
        F: FnMut(Sender<Out>, Text) -> R,
        R: Future<Output = Result<()>>,
    {
        loop {
            let text = match self.receive_text().await {
                Ok(text) => text,
                Err(error) if error.is_disconnect() => return Ok(()),
                Err(error) => return Err(error),
            };
            callback(self.sender(), text).await?;
        }
    }
}

macro_rules! receiving {
    ($socket:ident<$($generic:ident),*>) => {
        impl<$($generic),*> $socket<$($generic),*> {
            /// Waits for one text message.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone. A binary message closes the connection with 1003.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, it has taken no message.
            pub async fn receive_text(&mut self) -> Result<Text> {
                self.inlet.receive_as(expect_text).await
            }

            /// Waits for one binary message.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone. A text message closes the connection with 1003.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, it has taken no message.
            pub async fn receive_bytes(&mut self) -> Result<bytes::Bytes> {
                self.inlet.receive_as(expect_bytes).await
            }

            /// Waits for one text message that holds JSON of the shape `T`.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone. What is not JSON or has another shape closes the connection with 1007,
            /// a binary message with 1003; the reason says where it broke.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, it has taken no message.
            pub async fn receive_json<T: DeserializeOwned>(&mut self) -> Result<T> {
                self.inlet.receive_as(|message| from_json(&expect_text(message)?)).await
            }

            /// The text messages as a stream that ends when the peer is gone.
            pub fn iter_text(&mut self) -> Iter<'_, Text> {
                self.inlet.iter(expect_text)
            }

            /// The binary messages as a stream that ends when the peer is gone.
            pub fn iter_bytes(&mut self) -> Iter<'_, bytes::Bytes> {
                self.inlet.iter(expect_bytes)
            }

            /// The messages, each JSON of the shape `T`, as a stream that ends when the peer is gone.
            pub fn iter_json<T: DeserializeOwned>(&mut self) -> Iter<'_, T> {
                self.inlet.iter(|message| from_json(&expect_text(message)?))
            }
        }

        impl<$($generic),*> $socket<$($generic),*>
        where
            In: Inbound,
        {
            /// Waits for one message of the socket's type.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone. What does not parse is dealt with as the route's option `invalid` says:
            /// answered with an error frame (the default), closed with 1007, or given back here.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, it has taken no message.
            pub async fn receive(&mut self) -> Result<In> {
                poll_fn(|cx| self.inlet.poll_typed(cx)).await
            }

            /// Waits for one message like [`receive`](Self::receive); `None` once the peer is gone.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, it has taken no message.
            pub async fn next(&mut self) -> Option<Result<In>> {
                poll_fn(|cx| self.inlet.poll_next_typed(cx)).await
            }
        }

        impl<$($generic),*> Stream for $socket<$($generic),*>
        where
            In: Inbound,
        {
            type Item = Result<In>;

            fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<In>>> {
                self.get_mut().inlet.poll_next_typed(cx)
            }
        }

        // Nothing in it is pinned.
        impl<$($generic),*> Unpin for $socket<$($generic),*> {}
    };
}

macro_rules! sending {
    ($socket:ident<$($generic:ident),*>) => {
        impl<$($generic),*> $socket<$($generic),*> {
            /// Sends a text message. Waits only while the outbox is full, which a slow peer makes it.
            ///
            /// What one task sends arrives in that order.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone or the connection is closing.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, nothing was sent.
            pub async fn send_text(&self, text: impl AsRef<str> + Send) -> Result<()> {
                let text = Payload::Slice(text.as_ref().as_bytes());
                poll_fn(|cx| self.connection().poll_send(cx, Op::Text, &text)).await
            }

            /// Sends a binary message. Waits, fails and may be cancelled like [`send_text`](Self::send_text).
            pub async fn send_bytes(&self, bytes: impl AsRef<[u8]> + Send) -> Result<()> {
                let bytes = Payload::Slice(bytes.as_ref());
                poll_fn(|cx| self.connection().poll_send(cx, Op::Binary, &bytes)).await
            }

            /// Sends a value as JSON in a text message. Waits and may be cancelled like [`send_text`](Self::send_text).
            ///
            /// # Errors
            ///
            /// Also when the value can't be JSON: a map whose keys are no strings, say.
            pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
                let encoded = Payload::Owned(serde_json::to_vec(value)?);
                poll_fn(|cx| self.connection().poll_send(cx, Op::Text, &encoded)).await
            }

            /// Asks the peer: sends `event`, a JSON object with a `type`, with an `id` added, and waits for the `data` of its
            /// answer, up to `timeout` from now on.
            ///
            /// The answer is taken whether or not anyone receives, and never seen by who does. It is
            /// `{"type":"reply","id":…,"data":…}`, which the [client for browsers](crate::App::browser_client) sends. One that
            /// comes too late is dropped and counted ([`HubStats::stray_answers`](crate::HubStats::stray_answers)); so is, of a
            /// peer that was ever asked, every other message of that form, and every `error` with an id.
            ///
            /// It is read behind what the peer has sent before. While it is due up to 1,024 messages, of 256 KiB in all, may wait
            /// to be received.
            ///
            /// # Errors
            ///
            /// A [timeout](crate::Error::is_timeout); a disconnect; what the peer has [answered](crate::Error::is_answer) in place
            /// of data; an answer that is no `T`; a [limit](crate::Error::is_limit) if
            /// [`Limits::max_open_requests`](crate::Limits::max_open_requests) are open; an event that is no JSON object with a
            /// `type`, or has an `id` of its own.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, the event was sent or not, and the answer is one that nobody waits for.
            pub async fn request<T: DeserializeOwned>(
                &self,
                event: &(impl Serialize + Sync + ?Sized),
                timeout: Duration,
            ) -> Result<T> {
                request(self.connection(), event, timeout).await
            }

            /// Sends a stream of texts as it comes, a language model's answer say: `{"type":"start"}`, then
            /// `{"type":"chunk","content":…}` for each item, then `{"type":"done"}`. Waits until all is sent.
            ///
            /// An item that is an error ends it with `{"type":"error","message":…}` in place of `done`, and is logged; the
            /// socket stays open, and the call gives `Ok`. The peer reads the error's text: map one that holds secrets.
            ///
            /// Each item leaves at once. The stream is polled only while there is room in the outbox, and dropped as soon as
            /// the peer is gone, even if it is pending then.
            ///
            /// # Errors
            ///
            /// A disconnect when the peer is gone or the connection is closing.
            ///
            /// # Cancel safety
            ///
            /// Dropped before it is done, the peer has got the beginning and will get no end.
            ///
            /// ```
            /// use sockeye::prelude::*;
            ///
            /// #[websocket("/ask")]
            /// async fn ask(mut ws: WebSocket) -> Result<()> {
            ///     loop {
            ///         let question = ws.receive_text().await?;
            ///         ws.send_stream(answer(&question)).await?;
            ///     }
            /// }
            ///
            /// fn answer(question: &str) -> impl futures_util::Stream<Item = Result<String>> + use<> {
            ///     let words: Vec<_> = question.split_inclusive(' ').map(|word| Ok(word.to_uppercase())).collect();
            ///     futures_util::stream::iter(words)
            /// }
            /// # App::new().route(ask).check().unwrap();
            /// ```
            // Not an `async fn`: the compiler could not see that the handler's future is `Send` where items borrow, and would
            // report an item that is no text three times.
            pub fn send_stream<'a, S>(&'a self, stream: S) -> BoxFuture<'a, Result<()>>
            where
                S: Stream<Item: Part> + Send + 'a,
            {
                Box::pin(send_stream(self.connection(), stream))
            }

            /// Starts the closing handshake (RFC 6455 section 7.1.2); the connection ends when the peer has answered, or
            /// after [`Limits::close_timeout`](crate::Limits::close_timeout).
            ///
            /// Nothing can be sent afterwards; messages that were on their way can still be received. Does nothing if the
            /// connection is closing already. Does not wait.
            ///
            /// # Errors
            ///
            /// For a code that may not be sent (section 7.4): 1004 to 1006, 1015 and others.
            pub async fn close(&self, code: impl Into<CloseCode>) -> Result<()> {
                self.connection().close_checked(code.into(), "")
            }

            /// Like [`close`](Self::close), with a reason. Of more than 123 bytes the rest is cut off, at a character.
            pub async fn close_with(&self, code: impl Into<CloseCode>, reason: impl AsRef<str>) -> Result<()> {
                self.connection().close_checked(code.into(), reason.as_ref())
            }

            /// Waits until the peer is gone, whether or not anyone receives.
            ///
            /// Reading stops while the inbox is full ([`Limits::inbox_messages`](crate::Limits::inbox_messages)). Behind
            /// more unread messages than that, a close frame may wait too; the end of a TCP stream is noticed within a second.
            ///
            /// # Cancel safety
            ///
            /// Nothing is lost.
            pub async fn closed(&self) {
                self.connection().closed().await;
            }

            /// Whether the peer is gone.
            pub fn is_closed(&self) -> bool {
                self.connection().is_gone()
            }

            /// The peer's close frame, once it came. `None` also when it had no code or the connection broke.
            pub fn close_frame(&self) -> Option<CloseFrame> {
                self.connection().close_frame()
            }

            /// The connection's id.
            pub fn id(&self) -> ConnectionId {
                ConnectionId(self.connection().id)
            }

            /// The query's values.
            pub fn query_params(&self) -> &Params {
                self.connection().facts.query()
            }

            /// The path's parameters.
            pub fn path_params(&self) -> &Params {
                self.connection().facts.path()
            }

            /// The header lines of the handshake.
            pub fn headers(&self) -> &HeaderMap {
                self.connection().facts.headers()
            }

            /// The URI of the handshake.
            pub fn uri(&self) -> &Uri {
                self.connection().facts.uri()
            }

            /// The peer's address, where the server knows it.
            pub fn peer_addr(&self) -> Option<SocketAddr> {
                self.connection().facts.peer()
            }

            /// The subprotocol that was agreed on.
            pub fn subprotocol(&self) -> Option<&str> {
                self.connection().facts.protocol()
            }
        }

        impl<$($generic),*> $socket<$($generic),*>
        where
            Out: Outbound,
        {
            /// Sends a message of the socket's type. Waits, fails and may be cancelled like [`send_text`](Self::send_text).
            pub async fn send(&self, message: &Out) -> Result<()> {
                let encoded = message.encode()?;
                poll_fn(|cx| self.connection().poll_send(cx, encoded.op, &encoded.payload)).await
            }
        }

        impl<$($generic),*> fmt::Debug for $socket<$($generic),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($socket)).field(self.connection()).finish()
            }
        }
    };
}

impl<In, Out> WebSocket<In, Out> {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        self.inlet.connection()
    }
}

impl<Out> Sender<Out> {
    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Sends a message of any type.
    pub(crate) async fn send_any<T: Outbound + ?Sized>(&self, message: &T) -> Result<()> {
        let encoded = message.encode()?;
        poll_fn(|cx| self.connection().poll_send(cx, encoded.op, &encoded.payload)).await
    }
}

receiving!(WebSocket<In, Out>);
receiving!(Receiver<In>);
sending!(WebSocket<In, Out>);
sending!(Sender<Out>);
