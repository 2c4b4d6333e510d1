//! Arguments behind the peer: taken from the request once, before the upgrade.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sockeye::prelude::*;

static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone)]
struct User(String);

#[dependency]
async fn current_user(#[header("x-user")] user: Option<String>) -> Result<User, StatusCode> {
    LOOKED_UP.fetch_add(1, Ordering::SeqCst);
    user.map(User).ok_or(StatusCode::UNAUTHORIZED)
}

struct Motto(&'static str);

#[derive(Default)]
struct Room;

#[websocket("/rooms/<room>")]
impl Room {
    async fn open(
        &self,
        peer: &Peer,
        room: String,
        #[depends(current_user)] user: User,
        State(motto): State<Motto>,
    ) -> Result<()> {
        peer.send_text(format!("{} in {room}: {}", user.0, motto.0)).await
    }

    async fn message(&self, peer: &Peer, text: String, #[query(default = 3)] times: usize) -> Result<()> {
        peer.send_text(text.repeat(times)).await
    }

    #[on("where")]
    async fn r#where(&self, peer: &Peer, _: serde_json::Value, user: User, room: String) -> Result<()> {
        peer.send_text(format!("{} {room}", user.0)).await
    }
}

#[sockeye::test]
async fn they_are_resolved_once() -> Result<()> {
    let client = TestClient::new(App::new().route(Room).state(Motto("be kind")));
    client.websocket("/rooms/blue").connect().await.expect_denied(401);
    let refused = client.websocket("/rooms/blue?times=x").header("x-user", "Ada").connect().await;
    let response = refused.expect_denied(422);
    assert!(response.text().contains("times"));
    let before = LOOKED_UP.load(Ordering::SeqCst);
    let mut ws = client.websocket("/rooms/blue").header("x-user", "Ada").connect().await?;
    assert_eq!(ws.receive_text().await?, "Ada in blue: be kind");
    ws.send_text("ho").await?;
    assert_eq!(ws.receive_text().await?, "hohoho");
    ws.send_text("{\"type\":\"where\"}").await?;
    assert_eq!(ws.receive_text().await?, "Ada blue");
    assert_eq!(LOOKED_UP.load(Ordering::SeqCst), before + 1);
    Ok(())
}

#[test]
fn what_they_need_is_checked_at_start() {
    let error = App::new().route(Room).check().unwrap_err();
    assert!(error.to_string().contains("Motto"), "{error}");
}

/// The same instance on two apps has two lists of peers.
#[sockeye::test]
async fn an_instance_can_be_shared() -> Result<()> {
    let room = Arc::new(Room);
    let one = TestClient::new(App::new().route(room.clone()).state(Motto("one")));
    let two = TestClient::new(App::new().route(room).state(Motto("two")));
    for (client, text) in [(one, "A in x: one"), (two, "A in x: two")] {
        let mut ws = client.websocket("/rooms/x").header("x-user", "A").connect().await?;
        assert_eq!(ws.receive_text().await?, text);
    }
    Ok(())
}
