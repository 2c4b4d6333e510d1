//! What happens to a member that takes less than its rooms send.

/// What happens to a broadcast for a member whose outbox is full
/// ([`Limits::outbox_bytes`](crate::Limits::outbox_bytes), [`Limits::outbox_messages`](crate::Limits::outbox_messages)).
///
/// A broadcast never waits for a member, and the other members never notice. What is lost is counted: in
/// [`Member::lost`](crate::Member::lost), [`RoomStats`](crate::RoomStats) and [`HubStats`](crate::HubStats). Messages
/// that a handler sends to its own socket are never dropped: those sends wait.
///
/// A room's policy counts before that of the member's route (`overflow = "…"`), and that before the app's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Overflow {
    /// The connection is closed with 1013 `the peer is too slow`; what waits for it is dropped.
    #[default]
    Disconnect,
    /// The oldest broadcasts that wait are dropped, until the new one fits.
    DropOldest,
    /// The new broadcast is dropped.
    DropNewest,
}
