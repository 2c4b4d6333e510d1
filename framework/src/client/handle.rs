//! `Client`: the handle that receives.

use std::{
    fmt,
    future::poll_fn,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{
    builder::Builder,
    inbox::{Arrived, Item},
    question::Question,
    sender::Sender,
    state::Event,
};
use crate::{
    error::Result,
    history::Offset,
    ws::{CloseCode, CloseFrame, Inbound, Message, Text},
};

/// Tells the place of a message in its room's history.
pub(super) type OffsetOf<In> = Box<dyn Fn(&In) -> Option<Offset> + Send + Sync>;

/// How a client goes on where it was.
pub(super) enum Resume<In> {
    /// By the offsets that messages are seen to have.
    BySight,
    By(OffsetOf<In>),
    Never,
}

/// A connection to a server's socket that comes back by itself.
///
/// A task of its own connects, reads and writes. When the connection is lost it connects again: after a random time of at
/// most 250 ms, a bound that doubles with each attempt that fails up to 30 s, and begins anew after a connection that
/// lasted 5 s. It asks for what it has missed (`since=`, as [`Room::join_since`](crate::Room::join_since) takes it), and
/// drops what comes twice. What is sent while there is no connection waits in a queue. A server that is silent is found
/// by pings.
///
/// `In` and `Out` are what is received and sent: [`Message`] as it is, or any serde type as JSON. All that a [`Sender`] can
/// do, a client can do too.
///
/// Somebody has to take what comes. Up to [`Builder::inbox`] messages wait; then reading stops, as it must, and with it the
/// answers to requests.
///
/// Dropped, it sends what is in the queue and a close frame with 1001, for which its task has
/// [`Builder::close_timeout`]; then nothing of it is left.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use sockeye::{client::Client, prelude::*};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type", rename_all = "snake_case")]
/// enum Said { Hello { name: String } }
///
/// #[websocket("/hello")]
/// async fn hello(mut ws: WebSocket<Said, Said>) -> Result<()> {
///     let Said::Hello { name } = ws.receive().await?;
///     ws.send(&Said::Hello { name: name.to_uppercase() }).await?;
///     ws.closed().await;
///     Ok(())
/// }
///
/// #[sockeye::main]
/// async fn main() -> Result<()> {
///     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
///     let server = App::new().route(hello).serve(listener);
///
///     let url = format!("ws://{}/hello", server.local_addr());
///     let mut client: Client<Said, Said> = Client::connect(url).await?;
///     client.send(&Said::Hello { name: "ann".into() }).await?;
///     let Said::Hello { name } = client.receive().await?;
///     assert_eq!(name, "ANN");
///     client.close(1000).await
/// }
/// ```
pub struct Client<In = Message, Out = Message> {
    sender: Sender<Out>,
    resume: Resume<In>,
    last: Option<Offset>,
    /// On this connection the server has said that it can't go on behind `last`: any offset is new.
    gap: Option<u64>,
}

impl<In: Inbound, Out> Client<In, Out> {
    /// Connects with the defaults of [`Builder`]; see [`Builder::connect`].
    pub async fn connect(url: impl Into<String>) -> Result<Self> {
        Self::builder(url).connect().await
    }

    /// A client with settings. The URL is like `wss://example.com/ws/lobby?user=7`; `wss` and `https` ask for TLS (feature
    /// `tls`), `ws` and `http` for none.
    pub fn builder(url: impl Into<String>) -> Builder<In, Out> {
        Builder::new(url.into())
    }

    pub(super) fn new(sender: Sender<Out>, resume: Resume<In>) -> Self {
        let last = sender.shared.position();
        Self { sender, resume, last, gap: None }
    }

    /// Waits for what comes next: a message, a question, a change of state. `None` once the client has ended; the last
    /// event says why ([`State::Closed`](super::State::Closed)).
    ///
    /// An error is a message that is not an `In` ([`Error::is_invalid_message`](crate::Error::is_invalid_message)); the
    /// client goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken nothing.
    pub async fn next(&mut self) -> Option<Result<Event<In>>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Waits for the next message, whatever happens to the connection meanwhile. Questions are messages too, and are not
    /// answered; all other events are thrown away.
    ///
    /// # Errors
    ///
    /// When the client has ended ([`Error::is_offline`](crate::Error::is_offline)), and for a message that is not an `In`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no message.
    pub async fn receive(&mut self) -> Result<In> {
        loop {
            match self.next().await {
                Some(Ok(Event::Message(message) | Event::Question(message, _))) => return Ok(message),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(self.sender.closed().await.into_error()),
            }
        }
    }

    fn poll_event(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Event<In>>>> {
        loop {
            let event = match ready!(self.sender.shared.inbox.poll_next(cx)) {
                Some(Item::Message(arrived)) => self.take(arrived).transpose(),
                Some(Item::State(state)) => Some(Ok(Event::State(state))),
                Some(Item::Dropped(count)) => Some(Ok(Event::Dropped(count))),
                None => return Poll::Ready(None),
            };
            if event.is_some() {
                return Poll::Ready(event);
            }
        }
    }

    /// A message as an event, unless it came before.
    fn take(&mut self, arrived: Arrived) -> Result<Option<Event<In>>> {
        let Arrived { message, place, question, connection } = arrived;
        if place.gap {
            self.gap = Some(connection);
        }
        if let Some(id) = question {
            let question = Question { shared: self.sender.shared.clone(), id, connection };
            return In::decode(message).map(|message| Some(Event::Question(message, question)));
        }
        // Before it is decoded: what can't be must not come again and again.
        let by_sight = matches!(self.resume, Resume::BySight).then_some(place.offset).flatten();
        if by_sight.is_some_and(|offset| !self.is_new(Offset::new(offset), connection)) {
            return Ok(None);
        }
        let message = In::decode(message)?;
        let told = match &self.resume {
            Resume::By(offset_of) => offset_of(&message),
            Resume::BySight | Resume::Never => None,
        };
        // No message stands at the start: an empty page that says so is no duplicate.
        if told.is_some_and(|offset| !self.is_new(offset, connection) && offset != Offset::START) {
            return Ok(None);
        }
        Ok(Some(Event::Message(message)))
    }

    /// Whether it is not one that came before; then it is the last now.
    fn is_new(&mut self, offset: Offset, connection: u64) -> bool {
        let is_new = Some(offset) > self.last || self.gap == Some(connection);
        if is_new {
            (self.last, self.gap) = (Some(offset), None);
            self.sender.shared.set_position(self.last);
        }
        is_new
    }
}

impl<In, Out> Client<In, Out> {
    /// A handle that sends, for another task.
    pub fn sender(&self) -> Sender<Out> {
        self.sender.clone()
    }

    /// The offset of the last message that was taken, if it has one: what a client of another process can go on from
    /// ([`Builder::since`]).
    pub fn offset(&self) -> Option<Offset> {
        self.last
    }
}

impl<In, Out> Deref for Client<In, Out> {
    type Target = Sender<Out>;

    fn deref(&self) -> &Sender<Out> {
        &self.sender
    }
}

impl<In: Inbound, Out> Stream for Client<In, Out> {
    type Item = Result<Event<In>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event<In>>>> {
        self.get_mut().poll_event(cx)
    }
}

// Nothing in it is pinned.
impl<In, Out> Unpin for Client<In, Out> {}

impl<In, Out> Drop for Client<In, Out> {
    fn drop(&mut self) {
        let shared = &self.sender.shared;
        shared.inbox.abandon();
        shared.outbox.close(CloseFrame { code: CloseCode::GOING_AWAY, reason: Text::default() });
    }
}

impl<In, Out> fmt::Debug for Client<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.sender.state())
            .field("offset", &self.last)
            .finish_non_exhaustive()
    }
}
