//! How it is: the numbers, and whether the store works.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use sockeye::{Error, prelude::*};

use crate::outbound::{Code, Refusal};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<&'static str>,
}

/// 200 if all works, 503 if not. The log has the reasons, which may name hosts.
#[get("/health")]
pub(crate) async fn health(hub: Hub) -> (StatusCode, Json<Health>) {
    let health = hub.health().await;
    let word = |ok| if ok { "ok" } else { "unavailable" };
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let storage = word(health.history.as_ref().is_some_and(|history| history.ok));
    let broker = health.broker.as_ref().map(|broker| word(broker.connected));
    (status, Json(Health { status: word(health.is_ready()), storage, broker }))
}
