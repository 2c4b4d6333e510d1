//! How it is: the numbers, and whether the store works.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde::Serialize;
use sockeye::{Error, prelude::*, time::timeout};

use crate::outbound::{Code, Refusal};

/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether messages could be stored and read lately. The log says when that changes.
#[derive(Default)]
pub(crate) struct Store {
    is_away: AtomicBool,
}

impl Store {
    /// It has failed: what to tell a client.
    pub(crate) fn is_away(&self, error: &Error) -> Refusal {
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::error!("messages can't be stored or read: {error}");
        }
        Self::refusal()
    }

    /// It works.
    pub(crate) fn is_back(&self) {
        if self.is_away.load(Ordering::Relaxed) && self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("messages are stored again");
        }
    }

    /// Nothing of what the error says, which is for those who run the server.
    pub(crate) fn refusal() -> Refusal {
        Refusal::new(Code::StorageUnavailable, "messages can't be stored or read just now: please try again")
    }
}

#[derive(Serialize)]
pub(crate) struct Stats {
    total_connections: usize,
    total_rooms: usize,
    rooms: BTreeMap<String, RoomStats>,
}

#[derive(Serialize)]
struct RoomStats {
    connections: usize,
    users: usize,
}

#[get("/ws/stats")]
pub(crate) async fn stats(hub: Hub) -> Json<Stats> {
    let numbers = hub.rooms().into_iter().map(|room| (room.name().to_owned(), room.stats()));
    let rooms: BTreeMap<_, _> = numbers
        // Those whose last user may be back in a moment are no rooms for this purpose.
        .filter(|(_, stats)| stats.connections > 0)
        .map(|(name, stats)| (name, RoomStats { connections: stats.connections, users: stats.users }))
        .collect();
    let total_connections = rooms.values().map(|room| room.connections).sum();
    Json(Stats { total_connections, total_rooms: rooms.len(), rooms })
}

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
    storage: &'static str,
}

/// 200 if all works, 503 if not.
#[get("/health")]
pub(crate) async fn health(hub: Hub) -> (StatusCode, Json<Health>) {
    let room = hub.room("health");
    match timeout(PATIENCE, room.history_before(None, 1)).await {
        Ok(Ok(_)) => (StatusCode::OK, Json(Health { status: "ok", storage: "ok" })),
        _ => (StatusCode::SERVICE_UNAVAILABLE, Json(Health { status: "unavailable", storage: "unavailable" })),
    }
}
