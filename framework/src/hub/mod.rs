//! Rooms: sockets that get the same messages, and who is in them.

mod cluster;
mod cursors;
mod drain;
mod events;
mod feed;
mod lane;
mod live;
mod member;
mod options;
mod presence;
mod publish;
mod registry;
mod resume;
mod room;
mod since;
mod state;
mod stats;
mod tail;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use self::{cluster::Post, registry::Registry};
pub use self::{
    cluster::{BrokerHealth, Health, HistoryHealth},
    events::PresenceEvents,
    member::{Member, MemberInfo},
    options::RoomOptions,
    presence::{Presence, PresenceEvent, User},
    resume::{Replay, Resume, Resumed},
    room::Room,
    stats::{HubStats, RoomStats, UserStats},
};
use crate::{
    broker::{Broker, Channel, Whom},
    error::Result,
    extract::{ArgInfo, FromRequest, Rejection, Request},
    history::History,
    sync::lock,
    ws::{Outbound, Traffic},
};

/// Connections that one poll sends to.
const SENDS_A_POLL: usize = 256;

/// All rooms of an app. Clones are the same hub; each app has one.
///
/// Handlers take it as an argument, everybody else gets it from [`App::hub`](crate::App::hub).
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/news")]
/// async fn news(ws: WebSocket, hub: Hub) -> Result<()> {
///     let _member = hub.room("news").join(&ws).await?;
///     ws.closed().await;
///     Ok(())
/// }
///
/// #[post("/news")]
/// async fn publish(text: String, hub: Hub) -> Result<&'static str, StatusCode> {
///     hub.publish("news", &text).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
///     Ok("published")
/// }
/// # App::new().route(news).route(publish).check().unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Hub {
    registry: Arc<Registry>,
}

impl Hub {
    /// The hub of the app that serves `request`.
    pub(crate) fn of(request: &Request) -> Result<Self, Rejection> {
        let hub = request.state::<Self>();
        let hub = hub.ok_or_else(|| Rejection::not_provided("state", "Hub", "serve the request with an `App`"))?;
        Ok(Self::clone(&hub))
    }

    /// A hub outside of any app, for a job or a script: what it sends goes to the members of those that share the broker.
    ///
    /// What is sent from such a hub is waited for: a call is done when the broker has the message, so that the process may
    /// end right after it. To the others it is no node; rooms and users are known by name alone. It connects again when the
    /// connection is lost.
    ///
    /// To publish what is to be stored, give it the history of the app: [`with_history`](Self::with_history).
    ///
    /// # Errors
    ///
    /// If the broker is not there within 5 s ([`Error::is_broker`](crate::Error::is_broker)). Later, sending gives such an
    /// error if the broker does not take a message within 5 s: it may then have arrived or not.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing is left of it.
    ///
    /// ```test_harness
    /// use sockeye::{LocalBroker, prelude::*};
    ///
    /// #[get("/news")]
    /// async fn news(hub: Hub) -> Result<Sse> { hub.room("news").sse() }
    ///
    /// #[sockeye::test]
    /// async fn a_job_publishes() -> Result<()> {
    ///     let broker = LocalBroker::new();
    ///     let client = TestClient::new(App::new().broker(broker.clone()).route(news));
    ///     let mut events = client.get("/news").events().await?;
    ///     # sockeye::time::sleep(std::time::Duration::from_millis(200)).await;
    ///     // In another process, as a rule.
    ///     let hub = Hub::connect(broker).await?;
    ///     hub.publish("news", &["said"]).await?;
    ///     assert_eq!(events.next().await?.data, r#"["said"]"#);
    ///     Ok(())
    /// }
    /// ```
    pub async fn connect(broker: impl Broker) -> Result<Self> {
        let hub = Self::default();
        hub.registry.set_broker(Arc::new(broker), true);
        hub.registry.wake();
        if let Some(cluster) = hub.registry.cluster() {
            cluster.connected().await?;
        }
        Ok(hub)
    }

    /// Sets where messages are stored that are [published](Room::publish) to rooms, for a hub outside of any app: the same
    /// store as the app's. An app has [`App::history`](crate::App::history).
    pub fn with_history(self, history: impl History) -> Self {
        self.set_history(Arc::new(history));
        self
    }

    /// The room of this name. It comes to be when it is first asked for, and is forgotten when it is empty and nobody holds
    /// a handle to it.
    ///
    /// A name is data: nothing in it has a meaning.
    pub fn room(&self, name: impl AsRef<str>) -> Room {
        Room { live: self.registry.room(name.as_ref(), None) }
    }

    /// The room of this name, with options of its own. They count if it comes to be by this call: not if it has members,
    /// or somebody holds a handle to it.
    pub fn room_with(&self, name: impl AsRef<str>, options: RoomOptions) -> Room {
        Room { live: self.registry.room(name.as_ref(), Some(options)) }
    }

    /// The rooms that have members on this node, or users in their time of grace; in no order.
    pub fn rooms(&self) -> Vec<Room> {
        let rooms = self.registry.rooms().into_iter().filter(|live| live.state().counted);
        rooms.map(|live| Room { live }).collect()
    }

    /// Sends an event to all who have subscribed to a topic: a topic is a room, and this is its
    /// [`broadcast`](Room::broadcast).
    ///
    /// # Errors
    ///
    /// If the event can't be JSON, or the topic's name has more than 1 KiB.
    pub async fn publish<T: Outbound + ?Sized>(&self, topic: impl AsRef<str>, event: &T) -> Result<()> {
        self.room(topic).broadcast(event).await
    }

    /// Sends an event to all connections of a user, over all rooms and on all nodes, to each once. Gives how many got it on
    /// this node.
    ///
    /// Waits for none of them; what happens to a slow one says the [`Overflow`](crate::Overflow) of its route. Other nodes
    /// can't be told of a user whose id has more than 1 KiB.
    ///
    /// # Errors
    ///
    /// If the event can't be JSON.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, some may have got it and others not.
    pub async fn send_to<T: Outbound + ?Sized>(&self, user: impl AsRef<str>, event: &T) -> Result<usize> {
        let (user, encoded) = (user.as_ref(), event.encode()?);
        tokio::task::consume_budget().await;
        let relay = self.registry.relay(|| Post::new(Channel::Nodes, &encoded).to(Whom::Only(user.into())));
        let sent = self.registry.send_to(user, &encoded).await;
        relay.told().await?;
        Ok(sent)
    }

    /// The users in all rooms of this node, in no order.
    pub fn users(&self) -> Vec<UserStats> {
        self.registry.users(|user, members| {
            let mut ids: Vec<u64> = members.values().map(|link| link.connection.id).collect();
            ids.sort_unstable();
            ids.dedup();
            UserStats {
                user: user.to_owned(),
                connections: ids.len(),
                memberships: members.len(),
                messages_sent: members.values().map(|link| link.tally.sent()).sum(),
                messages_lost: members.values().map(|link| link.tally.lost()).sum(),
            }
        })
    }

    /// Totals of the app on this node.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use serde_json::{Value, json};
    /// use sockeye::prelude::*;
    ///
    /// #[get("/stats")]
    /// async fn stats(hub: Hub) -> Json<Value> {
    ///     let rooms: BTreeMap<_, _> =
    ///         hub.rooms().iter().map(|room| (room.name().to_owned(), room.stats())).collect();
    ///     Json(json!({ "totals": hub.stats(), "rooms": rooms }))
    /// }
    /// # App::new().route(stats).check().unwrap();
    /// ```
    pub fn stats(&self) -> HubStats {
        let totals = self.registry.traffic.totals();
        HubStats {
            total_connections: totals.opened,
            current_connections: totals.opened.saturating_sub(totals.closed),
            messages_sent: totals.sent,
            messages_received: totals.received,
            messages_lost: self.registry.tally.lost(),
            stray_answers: totals.stray,
            active_users: self.registry.active_users(),
            total_rooms: self.registry.active_rooms(),
            compressions: self.registry.compressions.load(Ordering::Relaxed),
        }
    }

    /// Sets what rooms are like that say nothing themselves.
    pub(crate) fn set_defaults(&self, options: RoomOptions) {
        *lock(&self.registry.defaults) = Arc::new(options);
    }

    /// Sets where messages are stored.
    pub(crate) fn set_history(&self, history: Arc<dyn History>) {
        self.registry.set_history(history);
    }

    /// Sets what carries messages to other nodes.
    pub(crate) fn set_broker(&self, broker: Arc<dyn Broker>) {
        self.registry.set_broker(broker, false);
    }

    /// A server begins to serve the app.
    pub(crate) fn begin(&self) {
        self.registry.servers.fetch_add(1, Ordering::Relaxed);
        self.registry.wake();
    }

    /// A server has ended: what was sent goes to the broker. With the last one the connection ends too, unless the app has
    /// members in another way.
    pub(crate) async fn end(&self) {
        let is_last = self.registry.servers.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(cluster) = self.registry.cluster() {
            let is_over = is_last && !self.registry.rooms().iter().any(|live| live.state().has_audience());
            cluster.flush(is_over).await;
        }
    }

    /// What counts the app's connections and messages.
    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.registry.traffic
    }
}

impl FromRequest for Hub {
    type Rejection = Rejection;

    async fn from_request(request: &mut Request, _: &ArgInfo) -> Result<Self, Rejection> {
        Self::of(request)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({:?})", self.registry)
    }
}
