//! The store is away, and comes back.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sockeye::{
    Appended, BoxFuture, Cursor, Draft, Error, History, MemoryHistory, Offset, Page, Result, Span, TestClient,
};

use super::{ann_and_bob, contents, error, ids, nothing, receipt, receive, say, user};
use crate::{Rate, routes};

/// A store with switches.
#[derive(Clone)]
struct Shaky {
    inner: Arc<MemoryHistory>,
    is_away: Arc<AtomicBool>,
    /// Stores, and says that it has not.
    lies: Arc<AtomicBool>,
}

impl Shaky {
    fn new() -> Self {
        Self { inner: Arc::new(MemoryHistory::new()), is_away: Arc::default(), lies: Arc::default() }
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
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            self.check()?;
            let appended = self.inner.append(room, drafts).await;
            if self.lies.load(Ordering::Relaxed) { Err(Error::storage("nobody knows")) } else { appended }
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            self.check()?;
            self.inner.read(room, span, limit).await
        })
    }

    fn mark_read<'a>(&'a self, room: &'a str, user: &'a str, offset: Offset) -> BoxFuture<'a, Result<Cursor>> {
        Box::pin(async move {
            self.check()?;
            self.inner.mark_read(room, user, offset).await
        })
    }

    fn cursors<'a>(&'a self, room: &'a str) -> BoxFuture<'a, Result<Vec<(String, Offset)>>> {
        Box::pin(async move {
            self.check()?;
            self.inner.cursors(room).await
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
        json!({ "type": "read", "message_id": 1 }),
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

/// The store had it after all: who says it again says it once.
#[sockeye::test]
async fn what_is_said_again_under_its_id_is_one_message() -> Result<()> {
    let store = Shaky::new();
    let client = store.client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    say(&mut ann, "one").await?;
    let two = json!({ "type": "message", "content": "two", "client_id": "my-2" });
    store.lies.store(true, Ordering::Relaxed);
    ann.send_json(&two).await?;
    assert_eq!(receive(&mut ann, "error").await?["client_id"], "my-2");
    store.lies.store(false, Ordering::Relaxed);
    // Over another connection, as after a reconnect; another user's id is another message's.
    ann.close(1000).await?;
    let mut ann = client.websocket_connect("/ws/a?user_id=1&username=Ann&since=1").await?;
    receive(&mut ann, "connected").await?;
    let history = receive(&mut ann, "history").await?;
    assert_eq!(contents(&history), ["two"]);
    for _ in 0..2 {
        ann.send_json(&two).await?;
        let sent = receipt(&mut ann).await?;
        assert_eq!((&sent["message_id"], &sent["client_id"]), (&2.into(), &"my-2".into()));
        assert_eq!(sent["timestamp"], history["messages"][0]["created_at"]);
    }
    bob.send_json(&two).await?;
    for (id, content) in [(1, "one"), (2, "two")] {
        let message = receive(&mut bob, "message").await?;
        assert_eq!((&message["id"], &message["content"]), (&id.into(), &content.into()));
    }
    assert_eq!(receipt(&mut bob).await?["message_id"], 3);
    assert_eq!(receive(&mut ann, "message").await?["id"], 3);
    nothing(&mut ann).await
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

/// The log, as lines.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn counts(&self, text: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().expect("a log")).matches(text).count()
    }
}

/// It need not wait until somebody says something.
#[sockeye::test(start_paused = true)]
async fn the_log_says_that_the_store_is_back_when_somebody_is_let_in() -> Result<()> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let store = Shaky::new();
    let client = store.client();
    store.set_away(true);
    let mut ann = client.websocket_connect("/ws/a?user_id=1&username=Ann").await?;
    for _ in 0..2 {
        receive(&mut ann, "connected").await?;
        assert_eq!(error(&mut ann).await?, "storage_unavailable");
    }
    let words = ["messages can't be stored or read: ", "messages are stored again"];
    assert_eq!(words.map(|text| log.counts(text)), [1, 0]);
    store.set_away(false);
    receive(&mut ann, "connected").await?;
    receive(&mut ann, "history").await?;
    nothing(&mut ann).await?;
    assert_eq!(words.map(|text| log.counts(text)), [1, 1]);
    Ok(())
}
