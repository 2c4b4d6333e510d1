//! Rooms: who gets what, in which order, and what is left when somebody goes.

mod leaving;
mod limits;
mod messages;
mod order;
mod presence;
mod shortest;
mod slow;
mod soak;

use std::sync::Arc;

use sockeye::{TestSocket, prelude::*};

/// A chat in one handler: `?user=` joins as that user; what comes starts with a verb.
#[websocket("/rooms/<room>")]
pub(crate) async fn talk(mut ws: WebSocket, room: String, user: Option<String>, hub: Hub) -> Result<()> {
    let room = hub.room(&room);
    let member = match &user {
        Some(user) => room.join_as(&ws, user, serde_json::json!({ "name": user })).await?,
        None => room.join(&ws).await?,
    };
    ws.send_json(member.presence()).await?;
    loop {
        let text = ws.receive_text().await?;
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match verb {
            "all" => member.room().broadcast_text(rest).await?,
            "others" => member.room().broadcast_others_text(&member, rest).await?,
            "publish" => drop(member.room().publish(rest).await?),
            "to" => {
                let (user, text) = rest.split_once(' ').unwrap_or_default();
                let count = member.room().send_to(user, &Message::text(text)).await?;
                ws.send_text(format!("to {count}")).await?;
            }
            "anywhere" => {
                let (user, text) = rest.split_once(' ').unwrap_or_default();
                let count = hub.send_to(user, &Message::text(text)).await?;
                ws.send_text(format!("to {count}")).await?;
            }
            "error" => return Err(Error::other("told to")),
            "panic" => panic!("told to"),
            "return" => return Ok(()),
            _ => return Err(Error::other("what?")),
        }
    }
}

/// Sends the presence as a welcome.
#[websocket("/welcome/<room>")]
async fn welcomed(ws: WebSocket, room: String, user: String, hub: Hub) -> Result<()> {
    let meta = serde_json::json!({ "name": user });
    let _member = hub.room(&room).join_with(&ws, &user, meta, Clone::clone).await?;
    ws.send_text("direct").await?;
    ws.closed().await;
    Ok(())
}

fn app() -> App {
    App::new().route(talk).route(welcomed)
}

/// Opens a socket and waits until it has joined.
async fn join(client: &TestClient, path: &str) -> TestSocket {
    let mut ws = client.websocket_connect(path).await.expect("the handshake");
    ws.receive_text().await.expect("the presence");
    ws
}

/// A server whose members do nothing but be in the room `/<room>`, and the hub to talk to them.
fn silent(app: App) -> (App, Hub) {
    let hub = app.hub();
    let rooms = hub.clone();
    let app = app.websocket("/<room>", move |ws: WebSocket| {
        let hub = rooms.clone();
        async move {
            let name = ws.path_params().get("room").unwrap_or_default().to_owned();
            let _member = hub.room(name).join(&ws).await?;
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    (app, hub)
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waits)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

/// What counts its clones, to see that it was dropped.
type Witness = Arc<()>;
