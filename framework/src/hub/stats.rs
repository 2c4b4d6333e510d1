//! What was counted.

use serde::Serialize;

/// Totals of an app on one node. Made in constant time, however many connections there are.
///
/// The rooms count for themselves: [`Room::stats`](crate::Room::stats).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HubStats {
    /// Sockets that were ever opened.
    pub total_connections: u64,
    /// Sockets that are open.
    pub current_connections: u64,
    /// Messages for the sockets: those that handlers have sent, and each broadcast once a member.
    pub messages_sent: u64,
    /// Messages that the sockets have sent.
    pub messages_received: u64,
    /// Broadcasts that members did not get because their outbox was full.
    pub messages_lost: u64,
    /// Answers that nobody waited for: they came too late, or to no question of ours.
    pub stray_answers: u64,
    /// Different users in all rooms.
    pub active_users: usize,
    /// Rooms with members.
    pub total_rooms: usize,
    /// How often the compressor has run for messages to rooms and users: once a message, as a rule.
    pub compressions: u64,
}

/// What a room has done since it came to be; an empty room that nobody holds is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RoomStats {
    /// Members on this node.
    pub connections: usize,
    /// Users that are present on any node, those in their time of grace too.
    pub users: usize,
    /// Messages that the room got.
    pub messages: u64,
    /// Messages that went to its members: one message counts once for each who gets it.
    pub messages_sent: u64,
    /// Messages that members did not get because their outbox was full.
    pub messages_lost: u64,
    /// Messages that wait to be handed out.
    pub waiting: usize,
}

/// A user, over all rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UserStats {
    /// The user's id.
    pub user: String,
    /// Its connections.
    pub connections: usize,
    /// Its members: a connection has one in each of its rooms.
    pub memberships: usize,
    /// Broadcasts that went to its members.
    pub messages_sent: u64,
    /// Broadcasts that they did not get.
    pub messages_lost: u64,
}
