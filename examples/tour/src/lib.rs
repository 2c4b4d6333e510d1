//! Every basic call of Sockeye on one server: talking, closing, refusing, a small chat, a router with a prefix.

mod auth;
mod chat;
mod talk;

use sockeye::prelude::*;

/// The whole tour.
pub fn app() -> App {
    App::new()
        .state(chat::Manager::default())
        .route(talk::echo_text)
        .route(talk::room)
        .route(talk::ops)
        .route(talk::json)
        .route(talk::disconnect)
        .route(talk::echo)
        .route(auth::token)
        .route(auth::secure)
        .route(auth::strict)
        .route(chat::chat)
        .include_router(api::router())
}

/// What lives under a prefix.
#[router(prefix = "/api/v1")]
mod api {
    use serde_json::json;
    use sockeye::prelude::*;

    /// Says that it is there, and stays until the client leaves.
    #[websocket("/notifications")]
    async fn notifications(ws: WebSocket) -> Result<()> {
        ws.send_json(&json!({ "type": "connected" })).await?;
        ws.closed().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
