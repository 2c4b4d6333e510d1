//! Rooms: sockets that get the same messages, and who is in them.

mod cursors;
mod drain;
mod events;
mod feed;
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

use self::registry::Registry;
pub use self::{
    events::PresenceEvents,
    member::{Member, MemberInfo},
    options::RoomOptions,
    presence::{Presence, PresenceEvent, User},
    resume::{Replay, Resume, Resumed},
    room::Room,
    stats::{HubStats, RoomStats, UserStats},
};
use crate::{
    error::Result,
    extract::{ArgInfo, FromRequest, Rejection, Request},
    history::History,
    sync::lock,
    ws::{Delivery, Outbound, PublishScope, Traffic, proto::Prepared},
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

    /// The rooms that have members, or users in their time of grace; in no order.
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

    /// Sends an event to all connections of a user, over all rooms, to each once. Gives how many got it.
    ///
    /// Waits for none of them; what happens to a slow one says the [`Overflow`](crate::Overflow) of its route.
    ///
    /// # Errors
    ///
    /// If the event can't be JSON.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, some may have got it and others not.
    pub async fn send_to<T: Outbound + ?Sized>(&self, user: impl AsRef<str>, event: &T) -> Result<usize> {
        let encoded = event.encode()?;
        tokio::task::consume_budget().await;
        let links = self.registry.links(user.as_ref());
        let mut shapes = Vec::new();
        for link in &links {
            let shape = link.connection.outbox().deflater.as_ref().map(|deflater| deflater.shape());
            shapes.extend(shape.filter(|shape| !shapes.contains(shape)));
        }
        let prepared = Prepared::new(encoded.op, &encoded.payload, shapes);
        self.registry.compressions.fetch_add(prepared.runs() as u64, Ordering::Relaxed);
        let overflow = lock(&self.registry.defaults).overflow.unwrap_or_default();
        let mut sent = 0;
        for (at, part) in links.chunks(SENDS_A_POLL).enumerate() {
            if at > 0 {
                tokio::task::yield_now().await;
            }
            let _scope = PublishScope::enter_first();
            for link in part {
                let overflow = link.connection.overflow.unwrap_or(overflow);
                if link.connection.deliver(&prepared, overflow, &link.tally) == Delivery::Sent {
                    link.tally.send(1);
                    sent += 1;
                }
            }
        }
        self.registry.traffic.sent(sent as u64);
        Ok(sent)
    }

    /// The users in all rooms, in no order.
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

    /// Totals of the app.
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
