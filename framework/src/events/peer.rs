//! `Peer`, what the methods of an event handler get.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{Hash, Hasher},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::http::{HeaderMap, Uri};
use serde::{Serialize, de::DeserializeOwned};

use super::roster::Roster;
use crate::{
    error::Result,
    hub::{Hub, Member},
    sync::lock,
    ws::{
        CloseCode, CloseFrame, Connected, ConnectionId, Extensions, Handle, Invalid, Outbound, Params, Sender,
        WebSocket,
    },
};

/// The other end of a connection, in the methods of an event handler.
///
/// Cloning it is cheap, and a clone may go to any task. It does not keep the connection open. Displayed, it is its id:
/// one word.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[derive(Default)]
/// struct Greeter;
///
/// #[websocket("/greet")]
/// impl Greeter {
///     async fn open(&self, peer: &Peer) -> Result<()> {
///         peer.send_text(format!("Welcome {peer}, one of {}", peer.peers().len())).await
///     }
/// }
/// # App::new().route(Greeter).check().unwrap();
/// ```
#[derive(Clone)]
pub struct Peer(Arc<Inner>);

struct Inner {
    sender: Sender,
    extensions: Extensions,
    roster: Arc<Roster>,
    hub: Hub,
    topics: Mutex<Topics>,
}

/// A peer's memberships, by the topic.
#[derive(Default)]
struct Topics {
    members: BTreeMap<String, Member>,
    /// The session is over: a clone of the peer that lives on must not subscribe any more.
    over: bool,
}

impl Peer {
    pub(super) fn new(ws: &WebSocket, extensions: Extensions, roster: Arc<Roster>, hub: Hub) -> Self {
        let topics = Mutex::default();
        Self(Arc::new(Inner { sender: ws.sender(), extensions, roster, hub, topics }))
    }

    /// Sends a [`Message`](crate::Message) as it is, any other value as JSON. Waits, fails and may be cancelled like
    /// [`send_text`](Self::send_text).
    pub async fn send<T: Outbound + Sync + ?Sized>(&self, message: &T) -> Result<()> {
        self.0.sender.send_any(message).await
    }

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
        self.0.sender.send_text(text).await
    }

    /// Sends a binary message. Waits, fails and may be cancelled like [`send_text`](Self::send_text).
    pub async fn send_bytes(&self, bytes: impl AsRef<[u8]> + Send) -> Result<()> {
        self.0.sender.send_bytes(bytes).await
    }

    /// Sends a value as JSON in a text message. Waits, fails and may be cancelled like [`send_text`](Self::send_text).
    ///
    /// # Errors
    ///
    /// Also when the value can't be JSON: a map whose keys are no strings, say.
    pub async fn send_json<T: Serialize + ?Sized>(&self, value: &T) -> Result<()> {
        self.0.sender.send_json(value).await
    }

    /// Asks the peer: sends `event`, a JSON object with a `type`, with an `id` added, and waits for the `data` of its answer, up
    /// to `timeout` from now on. The answer comes through whatever methods are waiting, and no method sees it.
    ///
    /// Limits, errors and what happens if it is dropped are those of [`WebSocket::request`](crate::WebSocket::request).
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde_json::json;
    /// use sockeye::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Shop;
    ///
    /// #[websocket("/shop")]
    /// impl Shop {
    ///     #[on("buy")]
    ///     async fn buy(&self, peer: &Peer, event: serde_json::Value) -> Result<&'static str> {
    ///         let question = json!({"type": "confirm", "what": event["what"]});
    ///         let sure: bool = peer.request(&question, Duration::from_secs(30)).await?;
    ///         Ok(if sure { "bought" } else { "left" })
    ///     }
    /// }
    ///
    /// # #[sockeye::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let client = TestClient::new(App::new().route(Shop));
    /// let mut ws = client.websocket_connect("/shop").await?;
    /// ws.send_text(r#"{"type":"buy","id":1,"what":"tea"}"#).await?;
    /// assert_eq!(ws.receive_text().await?, r#"{"type":"confirm","what":"tea","id":"q1"}"#);
    /// ws.send_text(r#"{"type":"reply","id":"q1","data":true}"#).await?;
    /// assert_eq!(ws.receive_text().await?, r#"{"type":"reply","id":1,"data":"bought"}"#);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn request<T: DeserializeOwned>(
        &self,
        event: &(impl Serialize + Sync + ?Sized),
        timeout: Duration,
    ) -> Result<T> {
        self.0.sender.request(event, timeout).await
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). Does not wait, and does nothing if the connection is closing
    /// already.
    ///
    /// Nothing can be sent afterwards; messages that were on their way are still handled, and `close` follows them.
    ///
    /// # Errors
    ///
    /// For a code that may not be sent (section 7.4): 1004 to 1006, 1015 and others.
    pub async fn close(&self, code: impl Into<CloseCode>) -> Result<()> {
        self.0.sender.close(code).await
    }

    /// Like [`close`](Self::close), with a reason. Of more than 123 bytes the rest is cut off, at a character.
    pub async fn close_with(&self, code: impl Into<CloseCode>, reason: impl AsRef<str>) -> Result<()> {
        self.0.sender.close_with(code, reason).await
    }

    /// Waits until the peer is gone: for work in a task of its own, or for a method that waits long, as `close` comes after
    /// it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn closed(&self) {
        self.0.sender.closed().await;
    }

    /// Gets what is published to `topic` from now on, until [`unsubscribe`](Self::unsubscribe) or the end of the connection,
    /// behind `close`. Does nothing if it was subscribed before. Does not wait.
    ///
    /// A topic is a room of the app's [`Hub`] that has this name, for event handlers, sockets and
    /// [`Hub::publish`](crate::Hub::publish) alike.
    ///
    /// # Errors
    ///
    /// If the topic's name has more than 1 KiB, or a limit of rooms is met. A disconnect when the peer is gone.
    pub async fn subscribe(&self, topic: impl AsRef<str>) -> Result<()> {
        let topic = topic.as_ref();
        if self.is_subscribed(topic)? {
            return Ok(());
        }
        let member = self.0.hub.room(topic).join(&self.0.sender).await?;
        let mut topics = lock(&self.0.topics);
        // Another task may have been faster: the member that is not kept leaves, outside the lock.
        let refused = if topics.over || topics.members.contains_key(topic) {
            Some(member)
        } else {
            topics.members.insert(topic.to_owned(), member)
        };
        let over = topics.over;
        drop(topics);
        drop(refused);
        if over { Err(self.0.sender.connection().disconnected()) } else { Ok(()) }
    }

    fn is_subscribed(&self, topic: &str) -> Result<bool> {
        let topics = lock(&self.0.topics);
        if topics.over {
            Err(self.0.sender.connection().disconnected())
        } else {
            Ok(topics.members.contains_key(topic))
        }
    }

    /// Gets no more of what is published to `topic`. Does nothing if it was not subscribed. Does not wait.
    ///
    /// # Errors
    ///
    /// None today.
    pub async fn unsubscribe(&self, topic: impl AsRef<str>) -> Result<()> {
        let left = lock(&self.0.topics).members.remove(topic.as_ref());
        // Outside the lock: leaving tells the room.
        drop(left);
        Ok(())
    }

    /// Sends an event to all who have subscribed to `topic`, but never to this peer itself, whether or not it has subscribed:
    /// a [`Message`](crate::Message) as it is, any other value as JSON.
    ///
    /// Waits for no peer; what happens to a slow one says the [`Overflow`](crate::Overflow) of its route.
    ///
    /// # Errors
    ///
    /// If the event can't be JSON, or the topic's name has more than 1 KiB.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is queued, nothing was sent; afterwards all is.
    pub async fn publish<T: Outbound + Sync + ?Sized>(&self, topic: impl AsRef<str>, event: &T) -> Result<()> {
        self.0.hub.room(topic).broadcast_except(self.id(), event).await
    }

    /// What this peer has subscribed to, sorted.
    pub fn topics(&self) -> Vec<String> {
        lock(&self.0.topics).members.keys().cloned().collect()
    }

    /// All peers that this handler has on this route, in the order in which they came, this one among them.
    ///
    /// A peer is there from before `open` to before `close`.
    pub fn peers(&self) -> Vec<Peer> {
        self.0.roster.peers()
    }

    /// The state of type `T` that belongs to this peer; its default the first time. What changes in it goes into an atomic
    /// or a `Mutex`.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use sockeye::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Counter;
    ///
    /// #[derive(Default)]
    /// struct Count(AtomicU64);
    ///
    /// #[websocket("/count")]
    /// impl Counter {
    ///     async fn message(&self, peer: &Peer, _text: String) -> Result<()> {
    ///         let before = peer.state::<Count>().0.fetch_add(1, Ordering::Relaxed);
    ///         peer.send_json(&(before + 1)).await
    ///     }
    /// }
    /// # App::new().route(Counter).check().unwrap();
    /// ```
    pub fn state<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.0.extensions.get_or_default()
    }

    /// Values that belong to this peer, by their type: what `upgrade` has put into
    /// [`Upgrade::extensions`](crate::Upgrade::extensions), and whatever is put in later.
    pub fn extensions(&self) -> &Extensions {
        &self.0.extensions
    }

    /// The connection's id.
    pub fn id(&self) -> ConnectionId {
        self.0.sender.id()
    }

    /// The URI of the handshake.
    pub fn uri(&self) -> &Uri {
        self.0.sender.uri()
    }

    /// The header lines of the handshake.
    pub fn headers(&self) -> &HeaderMap {
        self.0.sender.headers()
    }

    /// The query's values.
    pub fn query_params(&self) -> &Params {
        self.0.sender.query_params()
    }

    /// The path's parameters.
    pub fn path_params(&self) -> &Params {
        self.0.sender.path_params()
    }

    /// The peer's address, where the server knows it.
    pub fn addr(&self) -> Option<SocketAddr> {
        self.0.sender.peer_addr()
    }

    /// The subprotocol that was agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.0.sender.subprotocol()
    }

    /// What the route does with a message that does not parse.
    pub(super) fn invalid(&self) -> Invalid {
        self.0.sender.connection().invalid
    }

    /// Closes with a frame of ours.
    pub(super) fn close_now(&self, frame: &CloseFrame) {
        self.0.sender.connection().close(Some(frame));
    }

    /// Leaves all topics, for good.
    pub(super) fn leave(&self) {
        let mut topics = lock(&self.0.topics);
        topics.over = true;
        let members = std::mem::take(&mut topics.members);
        drop(topics);
        drop(members);
    }
}

/// A peer can join rooms too. Such a member leaves when it is dropped, not with the session.
impl Connected for Peer {
    fn handle(&self) -> Handle {
        self.0.sender.handle()
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().fmt(f)
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peer").field(&self.0.sender).finish()
    }
}

/// Two are equal when they stand for one connection.
impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}
