//! Peers, their state, and topics.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use sockeye::{ErrorKind, prelude::*};

use super::{Log, next};

#[derive(Default)]
struct Talk {
    log: Log,
    /// Shared by all peers.
    messages: AtomicU64,
    kept: Mutex<Vec<Peer>>,
}

/// A peer's own.
#[derive(Default)]
struct Count(AtomicU64);

#[websocket("/talk")]
impl Talk {
    async fn open(&self, peer: &Peer) -> Result<()> {
        self.kept.lock().unwrap_or_else(|broken| broken.into_inner()).push(peer.clone());
        peer.send_text(format!("{peer} of {}", peer.peers().len())).await
    }

    #[on("join")]
    async fn join(&self, peer: &Peer, event: Value) -> Result<()> {
        peer.subscribe(topic(&event)).await?;
        peer.send_json(&peer.topics()).await
    }

    #[on("leave")]
    async fn leave(&self, peer: &Peer, event: Value) -> Result<()> {
        peer.unsubscribe(topic(&event)).await?;
        peer.send_json(&peer.topics()).await
    }

    #[on("say")]
    async fn say(&self, peer: &Peer, event: Value) -> Result<()> {
        peer.publish(topic(&event), &event["text"]).await?;
        peer.send_text("said").await
    }

    async fn message(&self, peer: &Peer, _: Message) -> Result<()> {
        let all = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let own = peer.state::<Count>().0.fetch_add(1, Ordering::Relaxed) + 1;
        peer.send_json(&json!([all, own])).await
    }

    async fn close(&self, peer: &Peer) -> Result<()> {
        peer.publish("chat", &format!("{peer} left")).await?;
        self.log.note("closed");
        Ok(())
    }
}

fn topic(event: &Value) -> &str {
    event["topic"].as_str().unwrap_or("chat")
}

async fn open(client: &TestClient) -> Result<(sockeye::TestSocket, String)> {
    let mut ws = client.websocket_connect("/talk").await?;
    let hello = ws.receive_text().await?.to_string();
    Ok((ws, hello))
}

#[sockeye::test]
async fn peers_know_each_other() -> Result<()> {
    let client = TestClient::new(App::new().route(Talk::default()));
    let (mut one, hello) = open(&client).await?;
    assert_eq!(hello, "1 of 1");
    let (two, hello) = open(&client).await?;
    assert_eq!(hello, "2 of 2");
    drop((two, one.send_text("{\"type\":\"join\"}").await?));
    assert_eq!(one.receive_text().await?, "[\"chat\"]");
    Ok(())
}

#[sockeye::test]
async fn state_is_shared_and_each_peer_has_its_own() -> Result<()> {
    let client = TestClient::new(App::new().route(Talk::default()));
    let (mut one, _) = open(&client).await?;
    let (mut two, _) = open(&client).await?;
    for (ws, expected) in [(&mut one, "[1,1]"), (&mut two, "[2,1]")] {
        ws.send_text("hello").await?;
        assert_eq!(ws.receive_text().await?, expected);
    }
    one.send_text("hello").await?;
    assert_eq!(one.receive_text().await?, "[3,2]");
    Ok(())
}

#[sockeye::test]
async fn what_is_published_never_comes_back() -> Result<()> {
    let app = App::new().route(Talk::default());
    let hub = app.hub();
    let client = TestClient::new(app);
    let (mut one, _) = open(&client).await?;
    let (mut two, _) = open(&client).await?;
    // Who has not subscribed can publish.
    two.send_text(r#"{"type":"say","text":"nobody hears"}"#).await?;
    assert_eq!(two.receive_text().await?, "said");
    for ws in [&mut one, &mut two] {
        // A second time makes no difference.
        for _ in 0..2 {
            ws.send_text("{\"type\":\"join\"}").await?;
            assert_eq!(ws.receive_text().await?, "[\"chat\"]");
        }
    }
    one.send_text(r#"{"type":"say","text":"hello"}"#).await?;
    assert_eq!(one.receive_text().await?, "said");
    assert_eq!(two.receive_text().await?, "\"hello\"");
    hub.publish("chat", &json!({"from": "outside"})).await?;
    for ws in [&mut one, &mut two] {
        assert_eq!(ws.receive_text().await?, r#"{"from":"outside"}"#);
    }
    two.send_text("{\"type\":\"join\",\"topic\":\"a\"}").await?;
    assert_eq!(two.receive_text().await?, "[\"a\",\"chat\"]");
    two.send_text("{\"type\":\"leave\"}").await?;
    assert_eq!(two.receive_text().await?, "[\"a\"]");
    hub.publish("chat", "for one").await?;
    assert_eq!(one.receive_text().await?, "\"for one\"");
    hub.publish("a", "for two").await?;
    assert_eq!(two.receive_text().await?, "\"for two\"");
    Ok(())
}

#[sockeye::test]
async fn close_can_tell_the_others() -> Result<()> {
    let handler = Arc::new(Talk::default());
    let mut log = handler.log.listen();
    let app = App::new().route(handler.clone());
    let hub = app.hub();
    let client = TestClient::new(app);
    let (mut one, _) = open(&client).await?;
    let (mut two, _) = open(&client).await?;
    for ws in [&mut one, &mut two] {
        ws.send_text("{\"type\":\"join\"}").await?;
        ws.receive_text().await?;
    }
    one.close(1000).await?;
    assert_eq!(two.receive_text().await?, "\"1 left\"");
    assert_eq!(next(&mut log).await, "closed");

    // A clone that outlives its connection is no member any more, and can't become one.
    two.close(1000).await?;
    assert_eq!(next(&mut log).await, "closed");
    let kept = handler.kept.lock().unwrap_or_else(|broken| broken.into_inner()).clone();
    while !hub.rooms().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(kept[1].topics(), [""; 0]);
    let error = kept[1].subscribe("chat").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    assert_eq!(kept[1].peers(), []);
    assert!(kept[1].send_text("x").await.unwrap_err().is_disconnect());
    assert_ne!(kept[0], kept[1]);
    Ok(())
}

#[sockeye::test]
async fn a_peer_knows_its_handshake() -> Result<()> {
    #[derive(Default)]
    struct Facts;

    #[websocket("/facts/<room>", protocols = ["chat.v1"])]
    impl Facts {
        async fn open(&self, peer: &Peer, room: String) -> Result<()> {
            let facts = json!({
                "uri": peer.uri().to_string(),
                "header": peer.headers().get("x-a").and_then(|value| value.to_str().ok()),
                "query": peer.query_params().get("q"),
                "room": [&room, peer.path_params().get("room").unwrap_or_default()],
                "addr": peer.addr().is_some(),
                "protocol": peer.subprotocol(),
                "id": peer.to_string() == peer.id().to_string(),
            });
            peer.send(&facts).await
        }
    }

    let client = TestClient::new(App::new().route(Facts));
    let connect = client.websocket("/facts/blue?q=a%20b").header("x-a", "1").subprotocol("chat.v1");
    let mut ws = connect.connect().await?;
    let facts: Value = ws.receive_json().await?;
    let expected = json!({
        "uri": "/facts/blue?q=a%20b", "header": "1", "query": "a b", "room": ["blue", "blue"], "addr": facts["addr"],
        "protocol": "chat.v1", "id": true,
    });
    assert_eq!(facts, expected);
    Ok(())
}
