//! Publishing to rooms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sockeye::{
    Appended, BoxFuture, Draft, ErrorKind, History, MemoryHistory, Offset, Page, RoomOptions, Span, TestSocket,
    prelude::*,
};

use super::{Store, append};
use crate::rooms::until;

super::with_each_store!(members_see_the_order_of_the_offsets, what_is_published_can_be_read, a_key_is_handed_out_once,);

#[websocket("/join/<room>")]
async fn join(ws: WebSocket, room: String, hub: Hub) -> Result<()> {
    let _member = hub.room(&room).join(&ws).await?;
    ws.closed().await;
    Ok(())
}

fn numbered() -> RoomOptions {
    RoomOptions::new().render(|stored| json!([stored.offset, stored.json::<Value>().unwrap_or_default()]))
}

async fn members_see_the_order_of_the_offsets(store: Store) -> Result<()> {
    const EACH: u64 = 100;
    let app = App::new().history(store.open_all()).rooms(numbered()).route(join);
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut members = [client.websocket_connect("/join/a").await?, client.websocket_connect("/join/a").await?];
    until("two members", || hub.room("a").len() == 2).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let room = hub.room("a");
            tokio::spawn(async move {
                for number in 0..EACH {
                    room.publish(&number).await.unwrap();
                }
            })
        })
        .collect();
    for member in &mut members {
        for expected in 1..=8 * EACH {
            let (offset, _): (u64, u64) = member.receive_json().await?;
            assert_eq!(offset, expected);
        }
    }
    for task in tasks {
        task.await?;
    }
    Ok(())
}

async fn what_is_published_can_be_read(store: Store) -> Result<()> {
    let room = App::new().history(store.open_all()).hub().room("a");
    assert_eq!(room.publish(&json!({ "n": 1 })).await?, Offset::new(1));
    let stored = room.publish_stored(&Message::binary("bytes")).await?;
    assert_eq!(room.publish("text").await?, Offset::new(3));
    let page = room.history(1, 50).await?;
    assert_eq!((&page.messages[0], page.messages.len()), (&stored, 2));
    assert_eq!(page.messages[1].message, Message::text(r#""text""#));
    assert_eq!(room.history_before(Offset::new(2), 0).await?.messages[0].json::<Value>()?, json!({ "n": 1 }));
    assert_eq!(room.history(u64::MAX, usize::MAX).await?.messages, []);
    Ok(())
}

async fn a_key_is_handed_out_once(store: Store) -> Result<()> {
    let app = App::new().history(store.open_all()).rooms(numbered()).route(join);
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut member = client.websocket_connect("/join/a").await?;
    until("a member", || hub.room("a").len() == 1).await;
    let room = hub.room("a");
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let room = room.clone();
            tokio::spawn(async move { room.publish_keyed(&format!("key {}", number % 10), &(number % 10)).await })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        new += u32::from(task.await??.is_new);
    }
    assert_eq!(new, 10);
    room.publish("the end").await?;
    let mut seen = Vec::new();
    for offset in 1..=10 {
        let (at, number): (u64, u64) = member.receive_json().await?;
        assert_eq!(at, offset);
        seen.push(number);
    }
    seen.sort();
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    assert_eq!(member.receive_json::<Value>().await?, json!([11, "the end"]));
    Ok(())
}

#[sockeye::test]
async fn names_and_keys_have_a_limit() -> Result<()> {
    let room = App::new().history(MemoryHistory::new()).hub().room("a");
    for key in ["", &"k".repeat(129)] {
        assert!(room.publish_keyed(key, &1).await.unwrap_err().is_limit());
    }
    assert!(room.publish_keyed(&"k".repeat(128), &1).await?.is_new);
    assert!(room.mark_read(&"u".repeat(1025), 1).await.unwrap_err().is_limit());
    assert!(room.mark_read(&"u".repeat(1024), 1).await?.advanced);
    Ok(())
}

#[sockeye::test]
async fn without_a_history_it_says_what_to_do() -> Result<()> {
    let room = App::new().hub().room("a");
    for error in [room.publish(&1).await.unwrap_err(), room.history(0, 1).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("App::history"), "{error}");
    }
    let hub = App::new().history(MemoryHistory::new()).hub();
    assert!(hub.room("x".repeat(1025)).publish(&1).await.unwrap_err().is_limit());
    assert!(hub.room("x".repeat(1025)).history(0, 1).await.unwrap_err().is_limit());
    Ok(())
}

/// A store that can be made to wait, to fail, and to say that it failed though it did not.
#[derive(Default)]
struct Moody {
    inner: MemoryHistory,
    waits: AtomicBool,
    fails: AtomicBool,
    lies: AtomicBool,
}

impl History for Moody {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            while self.waits.load(Ordering::SeqCst) {
                tokio::task::yield_now().await;
            }
            if self.fails.load(Ordering::SeqCst) {
                return Err(Error::storage("the disk is full"));
            }
            let appended = self.inner.append(room, drafts).await;
            if self.lies.load(Ordering::SeqCst) { Err(Error::storage("did it? nobody knows")) } else { appended }
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        self.inner.read(room, span, limit)
    }
}

/// A room, and a member of it.
async fn over_a_moody_store() -> Result<(Arc<Moody>, Room, TestSocket)> {
    let store = Arc::new(Moody::default());
    let app = App::new().history(store.clone()).rooms(numbered()).route(join);
    let room = app.hub().room("a");
    let member = TestClient::new(app).websocket_connect("/join/a").await?;
    until("a member", || room.len() == 1).await;
    Ok((store, room, member))
}

#[post("/say")]
async fn say(hub: Hub) -> Result<&'static str> {
    hub.room("a").publish(&1).await?;
    Ok("said")
}

#[sockeye::test]
async fn a_failing_store_is_a_matter_of_time_for_http() -> Result<()> {
    let store = Arc::new(Moody::default());
    let client = TestClient::new(App::new().history(store.clone()).route(say));
    store.fails.store(true, Ordering::SeqCst);
    let refused = client.post("/say").await?;
    assert_eq!(refused.status(), 503);
    let problem: Value = refused.json();
    assert_eq!(problem["code"], "storage_unavailable");
    assert!(!problem.to_string().contains("disk"), "{problem}");
    store.fails.store(false, Ordering::SeqCst);
    assert_eq!(client.post("/say").await?.text(), "said");
    Ok(())
}

#[sockeye::test]
async fn a_failing_store_fails_the_publisher_and_nobody_else() -> Result<()> {
    let (store, room, mut member) = over_a_moody_store().await?;
    room.publish(&1).await?;
    store.fails.store(true, Ordering::SeqCst);
    let error = room.publish(&2).await.unwrap_err();
    assert!(error.is_storage());
    assert_eq!(error.to_string(), "the disk is full");
    room.broadcast_text("still here").await?;
    store.fails.store(false, Ordering::SeqCst);
    room.publish(&3).await?;
    assert_eq!(member.receive_json::<Value>().await?, json!([1, 1]));
    assert_eq!(member.receive_text().await?, "still here");
    assert_eq!(member.receive_json::<Value>().await?, json!([2, 3]));
    Ok(())
}

/// What the store has after all, or another process has stored, comes before the next.
#[sockeye::test]
async fn members_get_what_was_skipped() -> Result<()> {
    let (store, room, mut member) = over_a_moody_store().await?;
    room.publish(&1).await?;
    store.lies.store(true, Ordering::SeqCst);
    assert!(room.publish(&2).await.is_err());
    store.lies.store(false, Ordering::SeqCst);
    append(&store.inner, "a", vec![Message::text("3"); 300]).await?;
    room.publish(&4).await?;
    for offset in 1..=303 {
        assert_eq!(member.receive_json::<(u64, u64)>().await?.0, offset);
    }
    Ok(())
}

/// The store said that it had failed, and had not: who asks again with the key gets what was stored, and members get it too.
#[sockeye::test]
async fn asking_again_hands_out_what_nobody_got() -> Result<()> {
    let (store, room, mut member) = over_a_moody_store().await?;
    room.publish(&1).await?;
    store.lies.store(true, Ordering::SeqCst);
    assert!(room.publish_keyed("k", &2).await.is_err());
    store.lies.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        let appended = room.publish_keyed("k", &2).await?;
        assert_eq!((appended.stored.offset, appended.is_new), (Offset::new(2), false));
    }
    room.publish(&3).await?;
    for offset in 1..=3 {
        assert_eq!(member.receive_json::<(u64, u64)>().await?, (offset, offset));
    }
    Ok(())
}

#[sockeye::test]
async fn who_does_not_wait_is_stored_and_sent_all_the_same() -> Result<()> {
    let (store, room, mut member) = over_a_moody_store().await?;
    store.waits.store(true, Ordering::SeqCst);
    for number in 0..3 {
        let publishes = room.publish(&number);
        assert!(tokio::time::timeout(Duration::from_millis(5), publishes).await.is_err());
    }
    store.waits.store(false, Ordering::SeqCst);
    for number in 0..3 {
        assert_eq!(member.receive_json::<(u64, u64)>().await?, (number + 1, number));
    }
    Ok(())
}

#[sockeye::test]
async fn a_store_that_panics_is_an_error() -> Result<()> {
    struct Panics;
    impl History for Panics {
        fn append<'a>(&'a self, _: &'a str, _: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
            panic!("told to")
        }

        fn read<'a>(&'a self, _: &'a str, _: Span, _: usize) -> BoxFuture<'a, Result<Page>> {
            Box::pin(std::future::pending())
        }
    }
    let room = App::new().history(Panics).hub().room("a");
    for _ in 0..2 {
        assert!(room.publish(&1).await.unwrap_err().is_storage());
    }
    Ok(())
}
