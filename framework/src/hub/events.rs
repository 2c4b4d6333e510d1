//! Presence events for the server itself.

use std::fmt;

use tokio::sync::broadcast::{self, error::RecvError};

use super::{Presence, PresenceEvent, Room, cluster::Served};

/// The presence events of a room, from the moment on when it was asked for them. Made by
/// [`Room::presence_events`](crate::Room::presence_events).
///
/// A reader may be 256 events behind; what is older is lost and counted. The room waits for nobody.
pub struct PresenceEvents {
    events: broadcast::Receiver<PresenceEvent>,
    presence: Presence,
    lost: u64,
    /// The events are those of a room that lives.
    _room: Room,
    _served: Option<Served>,
}

impl PresenceEvents {
    pub(super) fn new(
        events: broadcast::Receiver<PresenceEvent>,
        presence: Presence,
        room: Room,
        served: Option<Served>,
    ) -> Self {
        Self { events, presence, lost: 0, _room: room, _served: served }
    }

    /// Who was there before the first event.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Waits for the next event.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, it has taken no event.
    pub async fn next(&mut self) -> PresenceEvent {
        loop {
            match self.events.recv().await {
                Ok(event) => return event,
                Err(RecvError::Lagged(lost)) => self.lost += lost,
                // The room, which is held here, has the other end.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Events that came and went while nobody was reading.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl fmt::Debug for PresenceEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceEvents").field("lost", &self.lost).finish_non_exhaustive()
    }
}
