use sockeye::prelude::*;

#[websocket("/chat/<room>")]
async fn chat(mut ws: WebSocket, room: String, hub: Hub) -> Result<()> {
    let member = hub.room(&room).join(&ws).await?;
    loop {
        let text = ws.receive_text().await?;
        member.room().broadcast_text(text).await?;
    }
}

pub(super) fn app() -> App {
    App::new().route(chat)
}
