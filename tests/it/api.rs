//! The snippets of the public face, as they stand.

use sockeye::prelude::*;

#[websocket("/ws/<room_id>")]
async fn room(mut ws: WebSocket, room_id: String) -> Result<()> {
    ws.send_text(format!("Welcome to room: {room_id}")).await?;
    loop {
        let text = ws.receive_text().await?;
        ws.send_text(format!("[{room_id}] {text}")).await?;
    }
}

#[router(prefix = "/api/v1")]
mod notifications {
    use sockeye::prelude::*;
    #[websocket("/notifications")]
    async fn notifications(mut ws: WebSocket) -> Result<()> {
        let _ = &mut ws;
        ws.send_json(&serde_json::json!({"type": "connected"})).await
    }
    #[get("/health")]
    async fn health() -> &'static str {
        "ok"
    }

    #[sockeye::test]
    async fn a_handler_can_be_called() {
        assert_eq!(health().await, "ok");
    }
}

fn app() -> App {
    App::new().include_router(notifications::router()).route(room)
}

#[sockeye::test]
async fn greets() -> Result<()> {
    let client = TestClient::new(app());
    let mut ws = client.websocket_connect("/ws/room123").await?;
    assert_eq!(ws.receive_text().await?, "Welcome to room: room123");
    ws.send_text("Hello").await?;
    assert_eq!(ws.receive_text().await?, "[room123] Hello");
    ws.close(1000).await
}

#[sockeye::test]
async fn a_router_has_its_prefix() -> Result<()> {
    let client = TestClient::new(app());
    assert_eq!(client.get("/api/v1/health").await?.text(), "ok");
    let mut ws = client.websocket_connect("/api/v1/notifications").await?;
    assert_eq!(ws.receive_json::<serde_json::Value>().await?, serde_json::json!({"type": "connected"}));
    ws.expect_close(1000).await?;
    Ok(())
}

/// A handler stays a function: its name can be shadowed, passed on and called.
#[sockeye::test]
async fn a_handlers_name_is_an_ordinary_one() {
    fn takes(room: u8) -> u8 {
        room
    }
    let room = takes(1);
    assert_eq!(room, 1);
}

/// The smallest program: compiled here, with nothing but the framework.
#[rustfmt::skip]
#[allow(dead_code)]
#[path = "../programs/echo.rs"]
mod echo_program;

#[test]
fn the_echo_program_has_at_most_eight_lines() {
    let program = include_str!("../programs/echo.rs");
    let lines = program.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 8, "{lines} lines");
}
