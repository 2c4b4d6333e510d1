//! What was counted.

use serde::Serialize;
use sockeye::prelude::*;

#[derive(Serialize)]
pub(crate) struct Stats {
    total_connections: u64,
    current_connections: u64,
    messages_sent: u64,
    messages_received: u64,
    /// Different user ids.
    active_users: usize,
}

#[get("/ws/stats")]
pub(crate) async fn stats(hub: Hub) -> Json<Stats> {
    let totals = hub.stats();
    Json(Stats {
        total_connections: totals.total_connections,
        current_connections: totals.current_connections,
        messages_sent: totals.messages_sent,
        messages_received: totals.messages_received,
        active_users: totals.active_users,
    })
}
