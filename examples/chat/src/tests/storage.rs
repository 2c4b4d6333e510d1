//! The store is away, and comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sockeye::{BoxFuture, Error, History, MemoryHistory, Message, Page, Result, Span, Stored, TestClient};

use super::{ann_and_bob, error, ids, nothing, receive, say, user};
use crate::{Rate, routes};

/// A store with a switch.
#[derive(Clone)]
struct Shaky {
    inner: Arc<MemoryHistory>,
    is_away: Arc<AtomicBool>,
}

impl Shaky {
    fn new() -> Self {
        Self { inner: Arc::new(MemoryHistory::new()), is_away: Arc::default() }
    }

    fn client(&self) -> TestClient {
        TestClient::new(routes(Rate::default()).history(self.clone()))
    }

    fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    fn check(&self) -> Result<()> {
        if self.is_away.load(Ordering::Relaxed) { Err(Error::storage("secret address is away")) } else { Ok(()) }
    }
}

impl History for Shaky {
    fn append<'a>(&'a self, room: &'a str, messages: Vec<Message>) -> BoxFuture<'a, Result<Vec<Stored>>> {
        Box::pin(async move {
            self.check()?;
            self.inner.append(room, messages).await
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            self.check()?;
            self.inner.read(room, span, limit).await
        })
    }
}

#[sockeye::test]
async fn what_cannot_be_stored_is_not_promised_and_goes_to_nobody() -> Result<()> {
    let store = Shaky::new();
    let client = store.client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    say(&mut ann, "before").await?;
    receive(&mut bob, "message").await?;
    store.set_away(true);
    for request in [
        json!({ "type": "message", "content": "lost", "client_id": "7" }),
        json!({ "type": "history" }),
        json!({ "type": "message", "content": "lost", "client_id": "7" }),
    ] {
        ann.send_json(&request).await?;
        let refused = receive(&mut ann, "error").await?;
        assert_eq!(refused["code"], "storage_unavailable");
        assert_eq!(refused.get("client_id"), request.get("client_id"));
        assert!(!refused["message"].as_str().unwrap_or_default().contains("secret"), "{refused}");
    }
    // What needs no store goes on.
    ann.send_json(&json!({ "type": "typing", "is_typing": true })).await?;
    receive(&mut bob, "typing").await?;
    nothing(&mut ann).await?;
    let health = client.get("/health").await?;
    let sick = json!({ "status": "unavailable", "storage": "unavailable" });
    assert_eq!((health.status().as_u16(), health.json::<Value>()), (503, sick));

    store.set_away(false);
    assert_eq!(say(&mut ann, "after").await?, 2);
    assert_eq!(receive(&mut bob, "message").await?["content"], "after");
    assert_eq!(client.get("/health").await?.status(), 200);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn who_comes_meanwhile_stays_and_is_let_in_later() -> Result<()> {
    let store = Shaky::new();
    let client = store.client();
    let (mut ann, _bob) = ann_and_bob(&client, "a").await?;
    say(&mut ann, "before").await?;
    store.set_away(true);
    let mut cy = client.websocket_connect("/ws/a?user_id=3&username=Cy&since=0").await?;
    let connected = receive(&mut cy, "connected").await?;
    assert_eq!(connected["active_users"].as_array().map(Vec::len), Some(3));
    assert_eq!(error(&mut cy).await?, "storage_unavailable");
    nothing(&mut cy).await?;
    for (request, code) in [
        (json!({ "type": "message", "content": "x" }), "storage_unavailable"),
        (json!({ "type": "history" }), "storage_unavailable"),
        (json!({ "type": "nonsense" }), "unknown_type"),
    ] {
        cy.send_json(&request).await?;
        assert_eq!(error(&mut cy).await?, code);
    }
    // It tries again, and says each time who is there by now.
    for _ in 0..3 {
        receive(&mut cy, "connected").await?;
        assert_eq!(error(&mut cy).await?, "storage_unavailable");
    }
    store.set_away(false);
    receive(&mut cy, "connected").await?;
    assert_eq!(ids(&receive(&mut cy, "history").await?), [1]);
    assert_eq!(say(&mut cy, "in").await?, 2);
    // For the others it has come once, and has been there ever since.
    assert_eq!(receive(&mut ann, "user_joined").await?, user(3, "Cy"));
    assert_eq!(receive(&mut ann, "message").await?["content"], "in");
    cy.close(1000).await?;
    assert_eq!(receive(&mut ann, "user_left").await?, user(3, "Cy"));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn who_does_not_wait_for_the_store_leaves() -> Result<()> {
    let store = Shaky::new();
    let client = store.client();
    let (mut ann, _bob) = ann_and_bob(&client, "a").await?;
    store.set_away(true);
    let mut cy = client.websocket_connect("/ws/a?user_id=3&username=Cy").await?;
    receive(&mut cy, "connected").await?;
    error(&mut cy).await?;
    cy.close(1000).await?;
    assert_eq!(receive(&mut ann, "user_joined").await?, user(3, "Cy"));
    assert_eq!(receive(&mut ann, "user_left").await?, user(3, "Cy"));
    ann.expect_silence(Duration::from_secs(10)).await
}
