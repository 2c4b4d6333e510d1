//! A client: how it comes, what it says, how it goes.

use futures_util::FutureExt;
use serde_json::json;
use sockeye::{Presence, prelude::*};
use tokio::task::coop::unconstrained;
use uuid::Uuid;

use crate::{
    clerk::{Clerk, Envelope, Identity, Kind},
    inbound::Inbound,
    settings::Token,
};

/// The one room.
const EVERYBODY: &str = "everybody";

type Socket = WebSocket<Inbound, Envelope>;

#[websocket("/ws", invalid = "pass")]
pub(crate) async fn connect(
    up: Upgrade<Inbound, Envelope>,
    username: Option<String>,
    #[query(rename = "userId")] user_id: Option<String>,
    token: Option<String>,
    required: State<Token>,
    clerk: State<Clerk>,
    hub: Hub,
) -> Result<()> {
    if !required.admits(token.as_deref()) {
        return up.deny(StatusCode::UNAUTHORIZED).await;
    }
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    let user = Identity {
        username: given(username).unwrap_or_else(|| clerk.guest()),
        user_id: given(user_id).unwrap_or_else(|| Uuid::new_v4().to_string()),
    };
    let (mut ws, room) = (up.accept().await, hub.room(EVERYBODY));
    let member = join(&ws, &room, &user, &clerk).await?;
    tracing::info!("client connected: {user} - total: {}", room.len());
    let outcome = talk(&mut ws, &room, &user, &clerk).await;
    match &outcome {
        Err(error) if !error.is_disconnect() => report(&user, &room, error),
        _ if ws.close_frame().is_none() => report(&user, &room, "gone without a close code"),
        _ => {}
    }
    drop(member);
    tracing::info!("client disconnected: {user} - total: {}", room.len());
    outcome
}

/// Makes the client a member. The list of users and the welcome are the first that it gets, and nothing comes between: the
/// room waits while it makes the welcome, and meanwhile the list goes straight to the client.
async fn join(ws: &Socket, room: &Room, user: &Identity, clerk: &Clerk) -> Result<Member> {
    let (list_to, name, clerk) = (ws.sender(), user.username.clone(), clerk.clone());
    let welcome = move |presence: &Presence| {
        let list = clerk.system(Kind::UserList, "Who is here", Some(json!(presence)));
        // Nothing was sent yet: there is room for it, or the client has left.
        let _sent_or_left = unconstrained(list_to.send(&list)).now_or_never();
        clerk.system(Kind::System, format!("Welcome, {name}"), None)
    };
    room.join_with(ws, &user.user_id, user, welcome).await
}

/// Passes on what the client says, until it leaves.
async fn talk(ws: &mut Socket, room: &Room, user: &Identity, clerk: &Clerk) -> Result<()> {
    while let Some(message) = ws.next().await {
        match message {
            Ok(Inbound { kind: Kind::Heartbeat, content, .. }) => {
                ws.send(&clerk.system(Kind::Heartbeat, content.unwrap_or_default(), None)).await?;
            }
            Ok(Inbound { kind, content: Some(content), .. }) => {
                room.broadcast(&clerk.envelope(kind, &user.username, content, None)).await?;
            }
            Ok(_) => refuse(ws, room, user, clerk, "expected `content`, which is a text").await?,
            Err(error) if error.is_invalid_message() => refuse(ws, room, user, clerk, &error.to_string()).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn refuse(ws: &Socket, room: &Room, user: &Identity, clerk: &Clerk, why: &str) -> Result<()> {
    // The reason may quote the message, which does not belong into the log.
    report(user, room, "a message was refused");
    ws.send(&clerk.system(Kind::Error, why, None)).await
}

fn report(user: &Identity, room: &Room, error: impl std::fmt::Display) {
    tracing::warn!("client error: {user} - total: {}: {error}", room.len());
}
