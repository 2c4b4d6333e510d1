//! The server of the soak: who is told to joins, leaves and says something to its room.

use serde_json::{Value, json};
use sockeye::prelude::*;
use tokio::runtime::Handle;

/// What comes starts with a verb.
#[websocket("/soak")]
async fn soak(mut ws: WebSocket, hub: Hub) -> Result<()> {
    let mut member = None;
    while let Some(message) = ws.next().await {
        let Message::Text(text) = message? else { continue };
        match (text.split_once(' ').unwrap_or((&text, "")), &member) {
            (("join", room), _) => {
                member = Some(hub.room(room).join(&ws).await?);
                ws.send_text("joined").await?;
            }
            (("leave", _), _) => {
                member = None;
                ws.send_text("left").await?;
            }
            (("say", text), Some(member)) => member.room().broadcast_text(text).await?,
            (_, _) => return Err(Error::other("expected join, leave, or say by a member")),
        }
    }
    Ok(())
}

/// What is left on the server. The asker's own task is in it.
#[get("/left")]
async fn left(hub: Hub) -> Json<Value> {
    let (stats, tasks) = (hub.stats(), Handle::current().metrics().num_alive_tasks());
    Json(
        json!({ "tasks": tasks, "rooms": stats.total_rooms, "sockets": stats.current_connections, "lost": stats.messages_lost }),
    )
}

pub(crate) fn app() -> App {
    App::new().route(soak).route(left)
}
