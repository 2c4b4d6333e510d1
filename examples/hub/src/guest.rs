//! A client: how it comes, what it says, how it goes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sockeye::prelude::*;
use tokio::sync::RwLock;
use uuid::Uuid;

use crate::{
    clerk::{Clerk, Envelope, Identity, Kind},
    inbound::Inbound,
    settings::Token,
};

/// The one room.
const EVERYBODY: &str = "everybody";

/// Where clients are served.
#[derive(Default)]
pub(crate) struct Desk {
    pub(crate) clerk: Clerk,
    /// Whoever joins holds it alone; those who talk or leave hold it together.
    door: RwLock<()>,
}

type Socket = WebSocket<Inbound, Envelope>;

#[websocket("/ws", invalid = "pass")]
pub(crate) async fn connect(
    up: Upgrade<Inbound, Envelope>,
    username: Option<String>,
    #[query(rename = "userId")] user_id: Option<String>,
    token: Option<String>,
    required: State<Token>,
    desk: State<Desk>,
    hub: Hub,
) -> Result<()> {
    if !required.admits(token.as_deref()) {
        return up.deny(StatusCode::UNAUTHORIZED).await;
    }
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    let user = Identity {
        username: given(username).unwrap_or_else(|| desk.clerk.guest()),
        user_id: given(user_id).unwrap_or_else(|| Uuid::new_v4().to_string()),
    };
    let (mut ws, room) = (up.accept().await, hub.room(EVERYBODY));
    let member = join(&ws, &room, &user, &desk).await?;
    tracing::info!("client connected: {user} - total: {}", room.len());
    let outcome = talk(&mut ws, &room, &user, &desk).await;
    match &outcome {
        Err(error) if !error.is_disconnect() => report(&user, &room, error),
        _ if ws.close_frame().is_none() => report(&user, &room, "gone without a close code"),
        _ => {}
    }
    let open = desk.door.read().await;
    drop(member);
    drop(open);
    tracing::info!("client disconnected: {user} - total: {}", room.len());
    outcome
}

/// Makes the client a member. The list of users and the welcome are the first that it gets, and nothing comes between:
/// nobody else joins, leaves or talks meanwhile. Nor does it take longer for a slow client: its outbox is empty.
async fn join(ws: &Socket, room: &Room, user: &Identity, desk: &Desk) -> Result<Member> {
    let _alone = desk.door.write().await;
    let there = room.presence();
    let mut users: BTreeMap<&str, Value> = there.iter().map(|user| (user.id(), user.meta().clone())).collect();
    users.insert(&user.user_id, json!(user));
    let users = users.into_values().collect();
    ws.send(&desk.clerk.system(Kind::UserList, "Who is here", Some(users))).await?;
    let (clerk, text) = (desk.clerk.clone(), format!("Welcome, {}", user.username));
    room.join_with(ws, &user.user_id, user, move |_| clerk.system(Kind::System, &*text, None)).await
}

/// Passes on what the client says, until it leaves.
async fn talk(ws: &mut Socket, room: &Room, user: &Identity, desk: &Desk) -> Result<()> {
    while let Some(message) = ws.next().await {
        match message {
            Ok(Inbound { kind: Kind::Heartbeat, content, .. }) => {
                ws.send(&desk.clerk.system(Kind::Heartbeat, content.unwrap_or_default(), None)).await?;
            }
            Ok(Inbound { kind, content: Some(content), .. }) => {
                let _open = desk.door.read().await;
                room.broadcast(&desk.clerk.envelope(kind, &user.username, content, None)).await?;
            }
            Ok(_) => refuse(ws, room, user, desk, "expected `content`, which is a text").await?,
            Err(error) if error.is_invalid_message() => refuse(ws, room, user, desk, &error.to_string()).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn refuse(ws: &Socket, room: &Room, user: &Identity, desk: &Desk, why: &str) -> Result<()> {
    // The reason may quote the message, which does not belong into the log.
    report(user, room, "a message was refused");
    ws.send(&desk.clerk.system(Kind::Error, why, None)).await
}

fn report(user: &Identity, room: &Room, error: impl std::fmt::Display) {
    tracing::warn!("client error: {user} - total: {}: {error}", room.len());
}
