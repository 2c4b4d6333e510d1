//! What a room may set for itself.

use std::{fmt, sync::Arc, time::Duration};

use super::PresenceEvent;
use crate::{
    config::Overflow,
    error::Result,
    history::Stored,
    ws::{Encoded, Outbound},
};

/// What a presence event becomes for the members.
pub(super) type Announce = dyn Fn(&PresenceEvent) -> Option<Result<Encoded<'static>>> + Send + Sync;

/// What a stored message becomes for the members.
pub(super) type Render = dyn Fn(&Stored) -> Result<Encoded<'static>> + Send + Sync;

/// The options of a room; what is not set comes from [`App::rooms`](crate::App::rooms).
///
/// ```
/// use std::time::Duration;
/// use serde_json::json;
/// use sockeye::{App, Overflow, PresenceEvent, RoomOptions};
///
/// let rooms = RoomOptions::new()
///     .overflow(Overflow::DropOldest)
///     .max_members(500)
///     .grace(Duration::from_secs(2))
///     .announce(|event| match event {
///         PresenceEvent::Joined(user) => Some(json!({ "type": "user_joined", "data": user.meta() })),
///         PresenceEvent::Left(user) => Some(json!({ "type": "user_left", "data": user.meta() })),
///         _ => None,
///     });
/// let app = App::new().rooms(rooms);
/// # app.check().unwrap();
/// ```
#[derive(Clone, Default)]
#[must_use = "options do nothing until `App::rooms` or `Hub::room_with` gets them"]
pub struct RoomOptions {
    pub(super) overflow: Option<Overflow>,
    pub(super) max_members: Option<usize>,
    pub(super) grace: Option<Duration>,
    pub(super) announce: Option<Arc<Announce>>,
    pub(super) render: Option<Arc<Render>>,
}

impl RoomOptions {
    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens to members that are too slow; by default they are disconnected.
    ///
    /// Set for a room, it counts before the option of a member's route; set for the app, after it.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// How many members the room takes; by default there is no limit. Beyond it `join` is an error, which closes with 1013.
    pub fn max_members(mut self, members: usize) -> Self {
        self.max_members = Some(members);
        self
    }

    /// How long a user counts as present after the last of its connections has left; by default not at all.
    ///
    /// Who is back by then has never left: nobody is told.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Tells the members who comes and goes: what `message` makes of an event is sent to all but the user whom it is
    /// about. `None` is not sent.
    ///
    /// It is called outside of all locks, once an event, in their order. If it panics, or what it gives is no JSON, the
    /// event is not announced and the log says so.
    pub fn announce<F, T>(mut self, message: F) -> Self
    where
        F: Fn(&PresenceEvent) -> Option<T> + Send + Sync + 'static,
        T: Outbound,
    {
        self.announce =
            Some(Arc::new(move |event| message(event).map(|message| message.encode().map(Encoded::into_owned))));
        self
    }

    /// Sets how members see a stored message: what `message` makes of it is sent to them, whether it was published just now
    /// or is read from the history. By default they get what was published as it is, and do not learn its offset.
    ///
    /// It is called outside of all locks, by every server that has members in the room. If it panics, or what it gives is
    /// no JSON, the message is left out and the log says so.
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use sockeye::{App, MemoryHistory, RoomOptions};
    ///
    /// let rooms = RoomOptions::new().render(|stored| {
    ///     let event: Value = stored.json().unwrap_or_default();
    ///     json!({ "id": stored.offset, "created_at": stored.millis(), "event": event })
    /// });
    /// let app = App::new().history(MemoryHistory::new()).rooms(rooms);
    /// # app.check().unwrap();
    /// ```
    pub fn render<F, T>(mut self, message: F) -> Self
    where
        F: Fn(&Stored) -> T + Send + Sync + 'static,
        T: Outbound,
    {
        self.render = Some(Arc::new(move |stored| message(stored).encode().map(Encoded::into_owned)));
        self
    }

    /// What is not set, from `defaults`; but for `overflow`, which the member's route may come before.
    pub(super) fn or(mut self, defaults: &Self) -> Self {
        self.max_members = self.max_members.or(defaults.max_members);
        self.grace = self.grace.or(defaults.grace);
        self.announce = self.announce.or_else(|| defaults.announce.clone());
        self.render = self.render.or_else(|| defaults.render.clone());
        self
    }
}

impl fmt::Debug for RoomOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomOptions")
            .field("overflow", &self.overflow)
            .field("max_members", &self.max_members)
            .field("grace", &self.grace)
            .field("announce", &self.announce.is_some())
            .field("render", &self.render.is_some())
            .finish()
    }
}
