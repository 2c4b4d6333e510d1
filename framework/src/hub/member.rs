//! Membership: as long as the guard is held.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{
    Presence, Room,
    cluster::Served,
    registry::{Link, Place},
};
use crate::ws::{Connection, ConnectionId, Tally};

/// A socket's membership in a room. Dropped, it leaves: however the handler ends, by its return, an error, a panic or
/// because it is cancelled.
///
/// ```
/// use sockeye::prelude::*;
///
/// #[websocket("/chat/<room>")]
/// async fn chat(mut ws: WebSocket, room: String, hub: Hub) -> Result<()> {
///     let member = hub.room(&room).join(&ws).await?;
///     loop {
///         let text = ws.receive_text().await?;
///         member.room().broadcast_text(format!("[{room}] {text}")).await?;
///     }
/// }
/// # App::new().route(chat).check().unwrap();
/// ```
#[must_use = "a member that is dropped has left"]
pub struct Member {
    pub(super) room: Room,
    pub(super) number: u64,
    pub(super) connection: Arc<Connection>,
    pub(super) user: Option<Arc<str>>,
    pub(super) presence: Presence,
    pub(super) tally: Arc<Tally>,
    pub(super) _place: Place,
    pub(super) _served: Option<Served>,
}

/// One of a room's members, as it was when asked.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MemberInfo {
    /// The connection.
    pub id: ConnectionId,
    /// The user, if it joined as one.
    pub user: Option<String>,
    /// Messages of the room that went to it.
    pub messages_sent: u64,
    /// Messages of the room that it did not get because its outbox was full.
    pub messages_lost: u64,
}

impl Member {
    /// The room.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The id of the connection that is the member.
    pub fn id(&self) -> ConnectionId {
        ConnectionId(self.connection.id)
    }

    /// The user, if it joined as one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Who was there as of the join, the member's own user included.
    ///
    /// All later changes are announced to the member ([`RoomOptions::announce`](crate::RoomOptions::announce)), and none
    /// that is in here already.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Messages of the room that the member did not get because its outbox was full.
    pub fn lost(&self) -> u64 {
        self.tally.lost()
    }

    /// Leaves the room, as dropping does.
    pub fn leave(self) {}
}

impl Drop for Member {
    fn drop(&mut self) {
        let live = &self.room.live;
        live.leave(self.number);
        if let Some(user) = &self.user {
            live.registry.unlink(user, self.number);
        }
    }
}

impl Member {
    pub(super) fn link(&self) {
        if let Some(user) = &self.user {
            let link = Link { connection: self.connection.clone(), tally: self.tally.clone() };
            self.room.live.registry.link(user, self.number, link);
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("room", &self.room.name())
            .field("id", &self.id())
            .field("user", &self.user)
            .finish()
    }
}
