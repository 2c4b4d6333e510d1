//! `Room`: a handle to a room.

use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use super::{
    Member, MemberInfo, Presence, PresenceEvents, RoomStats,
    cluster::Served,
    feed::Listener,
    live::{Joined, Live},
    registry::Place,
    state::{Entry, Newcomer, To},
};
use crate::{
    error::Result,
    sse::Sse,
    ws::{Connected, Connection, ConnectionId, Encoded, Handle, Outbound, Tally},
};

/// A room: sockets that get the same messages. Clones are the same room.
///
/// # Order
///
/// All members get the messages of a room in one order. What one task broadcasts, and then sends to a socket directly,
/// arrives in that order. Who joins gets what is broadcast from then on.
///
/// # Slow members
///
/// A broadcast waits for no member: what happens to one whose outbox is full says [`Overflow`](crate::Overflow). It waits
/// while the room's own queue is full (1,024 messages or 1 MiB), and until the message is in every outbox.
///
/// # Cancel safety
///
/// A broadcast that is dropped before the message is in the room's queue has sent nothing. After that all members get it.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/chat/<room>")]
/// async fn chat(mut ws: WebSocket, room: String, hub: Hub) -> Result<()> {
///     let member = hub.room(&room).join(&ws).await?;
///     while let Some(message) = ws.next().await {
///         member.room().broadcast(&message?).await?;
///     }
///     Ok(())
/// }
/// # App::new().route(chat).check().unwrap();
/// ```
#[derive(Clone)]
pub struct Room {
    pub(super) live: Arc<Live>,
}

/// What a connection needs to join.
struct Entrance {
    connection: Arc<Connection>,
    place: Place,
    served: Option<Served>,
}

impl Room {
    /// The name.
    pub fn name(&self) -> &str {
        &self.live.name
    }

    /// Joins with a socket, without a user: the member gets all messages, and is not in the presence.
    ///
    /// The member leaves when the guard is dropped. A socket that joins twice is two members and gets everything twice.
    ///
    /// Without a broker and a history it does not wait. Else the first who joins waits until the broker has confirmed that
    /// this node gets what others send to the room, and the other nodes have said who is there, but at most 1 s; not at all
    /// while the broker is away. Then it waits until the history has given the room's last offset, again at most 1 s. It
    /// joins in any case: what is stored meanwhile comes later, what is not is missed.
    ///
    /// # Errors
    ///
    /// A disconnect if the connection is closing. A limit ([`Error::is_limit`](crate::Error::is_limit)) if the room is
    /// full, the name is empty or has more than 1 KiB, or there are too many rooms
    /// ([`Limits::max_rooms_per_connection`](crate::Limits::max_rooms_per_connection),
    /// [`Limits::max_rooms`](crate::Limits::max_rooms)).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nobody has joined.
    pub async fn join(&self, ws: &(impl Connected + ?Sized)) -> Result<Member> {
        let entry = self.open(ws.handle()).await?;
        self.enter(entry, Newcomer::default()).map(|(member, _)| member)
    }

    /// Joins with a socket that belongs to a user. Several sockets of one user are one in the presence, on all nodes
    /// together; `meta`, whatever turns into JSON, is what the presence says of the user, and the latest counts.
    ///
    /// The members learn of the first socket that joins and of the last that leaves, if the room says so
    /// ([`RoomOptions::announce`](crate::RoomOptions::announce)). Waits as [`join`](Self::join) does, and while the room's
    /// queue is full.
    ///
    /// Other nodes are told of users whose id has at most 1 KiB; of metadata that are longer than 64 KiB as JSON they are
    /// told nothing.
    ///
    /// # Errors
    ///
    /// Those of [`join`](Self::join), and `meta` that can't be JSON.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nobody has joined.
    ///
    /// ```
    /// use serde_json::json;
    /// use sockeye::prelude::*;
    ///
    /// #[websocket("/chat/<room>")]
    /// async fn chat(ws: WebSocket, room: String, name: String, hub: Hub) -> Result<()> {
    ///     let member = hub.room(&room).join_as(&ws, &name, json!({ "name": name })).await?;
    ///     ws.send_json(&json!({ "type": "connected", "users": member.presence() })).await?;
    ///     ws.closed().await;
    ///     Ok(())
    /// }
    /// # App::new().route(chat).check().unwrap();
    /// ```
    pub async fn join_as(
        &self,
        ws: &(impl Connected + ?Sized),
        user: impl Into<String>,
        meta: impl Serialize,
    ) -> Result<Member> {
        let newcomer = Newcomer { user: Some(identity(user.into(), &meta)?), ..Newcomer::default() };
        self.enter_user(ws.handle(), newcomer).await
    }

    /// Joins like [`join_as`](Self::join_as), and sends a welcome: what `welcome` makes of the presence as of the join is
    /// the first that the member gets from the room. Nothing that is announced afterwards can overtake it, as it can what
    /// the handler sends after `join_as`.
    ///
    /// `welcome` is called once, outside of all locks. If it panics, or what it gives is no JSON, there is no welcome and
    /// the log says so.
    ///
    /// # Errors
    ///
    /// Those of [`join_as`](Self::join_as).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nobody has joined.
    ///
    /// ```
    /// use serde_json::json;
    /// use sockeye::prelude::*;
    ///
    /// #[websocket("/chat/<room>")]
    /// async fn chat(ws: WebSocket, room: String, name: String, hub: Hub) -> Result<()> {
    ///     let welcome = |presence: &_| json!({ "type": "connected", "users": presence });
    ///     let _member = hub.room(&room).join_with(&ws, &name, json!({ "name": name }), welcome).await?;
    ///     ws.closed().await;
    ///     Ok(())
    /// }
    /// # App::new().route(chat).check().unwrap();
    /// ```
    pub async fn join_with<T: Outbound>(
        &self,
        ws: &(impl Connected + ?Sized),
        user: impl Into<String>,
        meta: impl Serialize,
        welcome: impl Fn(&Presence) -> T + Send + Sync + 'static,
    ) -> Result<Member> {
        let welcome = move |presence: &_| welcome(presence).encode().map(Encoded::into_owned);
        let newcomer = Newcomer {
            user: Some(identity(user.into(), &meta)?),
            welcome: Some(Arc::new(welcome)),
            ..Newcomer::default()
        };
        self.enter_user(ws.handle(), newcomer).await
    }

    pub(super) async fn enter_user(&self, handle: Handle, newcomer: Newcomer) -> Result<Member> {
        let entry = self.open(handle).await?;
        // Its event does not wait, and so must not come before there is room.
        drop(self.live.place(0).await?);
        let (member, welcome) = self.enter(entry, newcomer)?;
        if let Some(welcome) = welcome {
            // What the handler sends next comes behind it.
            self.live.handed_out(welcome).await;
        }
        Ok(member)
    }

    /// Takes one of the rooms that the connection may be in, and has this one served.
    async fn open(&self, handle: Handle) -> Result<Entrance> {
        let Handle(connection) = handle;
        self.live.check_name()?;
        let place = self.live.registry.claim(&connection)?;
        let served = self.live.serve().await;
        Ok(Entrance { connection, place, served })
    }

    /// Joins; gives the number of the welcome too.
    fn enter(&self, entrance: Entrance, newcomer: Newcomer) -> Result<(Member, Option<u64>)> {
        let (live, Entrance { connection, place, served }) = (&self.live, entrance);
        let tally = Arc::new(Tally::below(live.tally.clone()));
        let user = newcomer.user.as_ref().map(|(name, _)| name.clone());
        let joined = live.join(|| live.registry.next_member(), &connection, &tally, newcomer)?;
        let Joined { number, presence, welcome } = joined;
        let room = self.clone();
        let member = Member { room, number, connection, user, presence, tally, _place: place, _served: served };
        member.link();
        Ok((member, welcome))
    }

    /// Sends a message to all members: [`Message`](crate::Message) as it is, any serde type as JSON. It is encoded once.
    ///
    /// Members on other nodes get it too, if the app has a [broker](crate::App::broker): what one task sends arrives there
    /// in that order, each message at most once. This call does not wait for it. A message of more than 4 MiB stays here.
    ///
    /// # Errors
    ///
    /// If the message can't be JSON, or the room's name has more than 1 KiB.
    pub async fn broadcast<T: Outbound + ?Sized>(&self, message: &T) -> Result<()> {
        self.send(&message.encode()?, To::All).await
    }

    /// Sends a text to all members.
    ///
    /// # Errors
    ///
    /// If the room's name has more than 1 KiB.
    pub async fn broadcast_text(&self, text: impl AsRef<str> + Send) -> Result<()> {
        self.send(&Encoded::text(text.as_ref()), To::All).await
    }

    /// Sends bytes to all members.
    ///
    /// # Errors
    ///
    /// If the room's name has more than 1 KiB.
    pub async fn broadcast_bytes(&self, bytes: impl AsRef<[u8]> + Send) -> Result<()> {
        self.send(&Encoded::binary(bytes.as_ref()), To::All).await
    }

    /// Sends a message to all members but one: but for every membership of that member's connection, to be exact.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast`](Self::broadcast).
    pub async fn broadcast_others<T: Outbound + ?Sized>(&self, member: &Member, message: &T) -> Result<()> {
        self.broadcast_except(member.id(), message).await
    }

    /// Sends a text to all members but one.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast_text`](Self::broadcast_text).
    pub async fn broadcast_others_text(&self, member: &Member, text: impl AsRef<str> + Send) -> Result<()> {
        self.send(&Encoded::text(text.as_ref()), To::AllBut(member.id().0)).await
    }

    /// Sends bytes to all members but one.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast_bytes`](Self::broadcast_bytes).
    pub async fn broadcast_others_bytes(&self, member: &Member, bytes: impl AsRef<[u8]> + Send) -> Result<()> {
        self.send(&Encoded::binary(bytes.as_ref()), To::AllBut(member.id().0)).await
    }

    /// Sends a message to all members but those of one connection of this node's, whether or not it is a member.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast`](Self::broadcast).
    pub async fn broadcast_except<T: Outbound + ?Sized>(&self, id: ConnectionId, message: &T) -> Result<()> {
        self.send(&message.encode()?, To::AllBut(id.0)).await
    }

    /// Sends a message to all members but those of one user, whether or not it is there.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast`](Self::broadcast).
    pub async fn broadcast_except_user<T: Outbound + ?Sized>(&self, user: impl AsRef<str>, message: &T) -> Result<()> {
        self.send(&message.encode()?, To::AllButUser(user.as_ref().into())).await
    }

    /// Sends a message to all connections that one user has in this room, on all nodes. Gives how many there are on this
    /// one.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast`](Self::broadcast).
    pub async fn send_to<T: Outbound + ?Sized>(&self, user: impl AsRef<str>, message: &T) -> Result<usize> {
        self.live.send(&message.encode()?, To::User(user.as_ref().into())).await
    }

    async fn send(&self, message: &Encoded<'_>, to: To) -> Result<()> {
        self.live.send(message, to).await.map(drop)
    }

    /// The members on this node, in the order in which they joined.
    pub fn members(&self) -> Vec<MemberInfo> {
        let state = self.live.state();
        let members = state.members.values();
        let info = |member: &Entry| MemberInfo {
            id: ConnectionId(member.connection.id),
            user: member.user.as_deref().map(str::to_owned),
            messages_sent: member.tally.sent(),
            messages_lost: member.tally.lost(),
        };
        members.map(info).collect()
    }

    /// How many members there are on this node.
    pub fn len(&self) -> usize {
        self.live.state().members.len()
    }

    /// Whether there is no member on this node.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who is there, on all nodes. Without a member, a listener or a reader of its events on this node, the room knows
    /// nothing of the others.
    pub fn presence(&self) -> Presence {
        self.live.state().presence.clone()
    }

    /// Who comes and goes from now on, on all nodes, for the server itself.
    pub fn presence_events(&self) -> PresenceEvents {
        let served = self.live.hold();
        let mut state = self.live.state();
        let (events, presence) = (state.events(), state.presence.clone());
        drop(state);
        PresenceEvents::new(events, presence, self.clone(), served)
    }

    /// The room as Server-Sent Events: what is broadcast from now on, each text an event's data. Binary messages are left
    /// out: the format can't carry them. An event of a stored message has its offset as id; to go on from there is
    /// [`sse_since`](Self::sse_since)'s.
    ///
    /// Who listens is no member: neither counted nor in the presence. A listener that is too slow, with 256 KiB or 1,024
    /// messages waiting, meets the room's [`Overflow`](crate::Overflow): to be disconnected is to have the stream end, and a
    /// browser comes back by itself.
    ///
    /// # Errors
    ///
    /// A limit ([`Error::is_limit`](crate::Error::is_limit)) if the room's name has more than 1 KiB: 400 when a handler
    /// returns it.
    ///
    /// ```test_harness
    /// use sockeye::prelude::*;
    ///
    /// #[get("/rooms/<room>")]
    /// async fn listen(room: String, hub: Hub) -> Result<Sse> { hub.room(&room).sse() }
    ///
    /// #[sockeye::test]
    /// async fn hears_what_is_said() -> Result<()> {
    ///     let app = App::new().route(listen);
    ///     let client = TestClient::new(app.clone());
    ///     let mut events = client.get("/rooms/a").events().await?;
    ///     app.hub().room("a").broadcast(&["said"]).await?;
    ///     assert_eq!(events.next().await?.data, r#"["said"]"#);
    ///     Ok(())
    /// }
    /// ```
    pub fn sse(&self) -> Result<Sse> {
        self.live.check_name()?;
        let listener = Listener::new(self.clone(), false);
        listener.open_soon();
        Ok(Sse::new(listener))
    }

    /// What was counted.
    pub fn stats(&self) -> RoomStats {
        self.live.stats()
    }
}

pub(super) fn identity(user: String, meta: &impl Serialize) -> Result<(Arc<str>, Arc<Value>)> {
    Ok((user.into(), Arc::new(serde_json::to_value(meta)?)))
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Room").field(&self.name()).finish()
    }
}
