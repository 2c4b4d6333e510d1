//! Going on where one has left.

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{MemoryHistory, Overflow, Resume, Retention, RoomOptions, Stored, prelude::*};

use super::{Store, events, since};
use crate::rooms::until;

super::with_each_store!(
    no_gap_and_no_duplicate_at_full_speed,
    a_stream_has_no_gap_and_no_duplicate_either,
    what_is_lost_is_said,
    pages_and_a_welcome,
    the_latest_may_be_several_pages,
);

#[websocket("/pages/<room>")]
async fn pages(ws: WebSocket, room: String, since: Option<u64>, hub: Hub) -> Result<()> {
    let resume = since
        .map_or(Resume::latest(3), Resume::since)
        .user("ann", "Ann")
        .welcome(|presence| json!({ "users": presence.len() }))
        .pages(|page| {
            let offsets: Vec<_> = page.messages.iter().map(|stored| stored.offset).collect();
            json!({ "offsets": offsets, "recovered": page.recovered, "more": page.more })
        })
        .page_size(2);
    let resumed = hub.room(&room).resume(&ws, resume).await?;
    ws.send_text(resumed.recovered.to_string()).await?;
    ws.closed().await;
    Ok(())
}

#[websocket("/latest")]
async fn latest(ws: WebSocket, hub: Hub) -> Result<()> {
    let resume = Resume::latest(50).pages(|page| {
        let offsets: Vec<_> = page.messages.iter().map(|stored| stored.offset).collect();
        json!({ "offsets": offsets, "recovered": page.recovered, "more": page.more })
    });
    let _member = hub.room("a").resume(&ws, resume).await?;
    ws.closed().await;
    Ok(())
}

fn app(store: &Store, retention: Retention) -> App {
    let rooms = RoomOptions::new().render(|stored| stored.offset);
    App::new().history(store.open(retention)).rooms(rooms).route(since).route(pages).route(latest).route(events)
}

/// Four who publish as fast as they can.
fn publish(hub: &Hub, each: u64) -> Vec<tokio::task::JoinHandle<()>> {
    let publisher = || {
        let room = hub.room("a");
        tokio::spawn(async move {
            for number in 0..each {
                room.publish(&number).await.unwrap();
            }
        })
    };
    (0..4).map(|_| publisher()).collect()
}

async fn no_gap_and_no_duplicate_at_full_speed(store: Store) -> Result<()> {
    const EACH: u64 = 1000;
    let app = app(&store, Retention::all());
    let hub = app.hub();
    let client = TestClient::new(app);
    let publishers = publish(&hub, EACH);
    let mut readers = Vec::new();
    for reader in 0..24 {
        // Spread over the time that it takes.
        let last = hub.room("a").history_before(None, 1).await?.last.get();
        let since = last.saturating_sub(reader % 5 * 150);
        let client = client.clone();
        readers.push(tokio::spawn(async move {
            let (mut last, mut is_live) = (since, false);
            // Who is too slow for the room is closed, and comes back for the rest, as a client does.
            while last < 4 * EACH || !is_live {
                let mut ws = client.websocket_connect(&format!("/since/a?since={last}")).await.unwrap();
                is_live = false;
                while last < 4 * EACH || !is_live {
                    match ws.receive_json::<Value>().await {
                        Ok(Value::Number(offset)) => {
                            assert_eq!(offset.as_u64(), Some(last + 1), "since {since}");
                            last += 1;
                        }
                        Ok(value) => {
                            assert_eq!((value, is_live), (json!({ "recovered": true }), false));
                            is_live = true;
                        }
                        Err(error) => {
                            let code = error.close_frame().map(|frame| frame.code);
                            assert_eq!(code, Some(CloseCode::TRY_AGAIN), "{error}");
                            break;
                        }
                    }
                }
            }
        }));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for task in publishers.into_iter().chain(readers) {
        task.await?;
    }
    Ok(())
}

async fn a_stream_has_no_gap_and_no_duplicate_either(store: Store) -> Result<()> {
    const EACH: u64 = 500;
    let app = app(&store, Retention::all());
    let hub = app.hub();
    let client = TestClient::new(app);
    let publishers = publish(&hub, EACH);
    let mut readers = Vec::new();
    for reader in 0..8_u64 {
        let since = hub.room("a").history_before(None, 1).await?.last.get().saturating_sub(reader % 3 * 200);
        let client = client.clone();
        readers.push(tokio::spawn(async move {
            let mut last = since;
            // A stream that is too slow ends; the client comes back, as a browser does.
            while last < 4 * EACH {
                let request = client.get("/events/a").header("last-event-id", &last.to_string());
                let mut events = request.events().await.unwrap();
                while last < 4 * EACH {
                    let Ok(event) = events.next().await else { break };
                    assert_eq!((event.id.as_str(), &event.data), (&*(last + 1).to_string(), &(last + 1).to_string()));
                    last += 1;
                }
            }
        }));
    }
    for task in publishers.into_iter().chain(readers) {
        task.await?;
    }
    Ok(())
}

async fn what_is_lost_is_said(store: Store) -> Result<()> {
    let app = app(&store, Retention::all().count(3));
    let room = app.hub().room("a");
    let client = TestClient::new(app);
    for number in 0..10 {
        room.publish(&number).await?;
    }
    let all = [8, 9, 10];
    for (since, expected, recovered) in [
        (0, &all[..], false),
        (6, &all, false),
        (7, &all, true),
        (9, &all[2..], true),
        (10, &[], true),
        (11, &[], false),
        (1 << 63, &[], false),
        (u64::MAX, &[], false),
    ] {
        let mut ws = client.websocket_connect(&format!("/since/a?since={since}")).await?;
        for offset in expected {
            assert_eq!(ws.receive_json::<u64>().await?, *offset, "since {since}");
        }
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "recovered": recovered }), "since {since}");
        let mut stream = client.get("/events/a").header("last-event-id", &since.to_string()).events().await?;
        if !recovered {
            let gap = stream.next().await?;
            let first = if since > 10 { 8 } else { expected[0] };
            assert_eq!((gap.name.as_str(), gap.json::<Value>()), ("gap", json!({ "since": since, "first": first })));
        }
        for offset in expected {
            assert_eq!(stream.next().await?.id, offset.to_string());
        }
    }
    // And whoever was told so goes on with the next.
    let mut ws = client.websocket_connect(&format!("/since/a?since={}", u64::MAX)).await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "recovered": false }));
    room.publish(&"next").await?;
    assert_eq!(ws.receive_json::<u64>().await?, 11);
    Ok(())
}

async fn pages_and_a_welcome(store: Store) -> Result<()> {
    let app = app(&store, Retention::all());
    let room = app.hub().room("a");
    let client = TestClient::new(app);
    let page = |offsets: &[u64], more: bool| json!({ "offsets": offsets, "recovered": true, "more": more });
    let mut early = client.websocket_connect("/pages/a").await?;
    assert_eq!(early.receive_json::<Value>().await?, json!({ "users": 1 }));
    assert_eq!(early.receive_json::<Value>().await?, page(&[], false));
    assert_eq!(early.receive_text().await?, "true");
    for number in 0..5 {
        room.publish(&number).await?;
        assert_eq!(early.receive_json::<u64>().await?, number + 1);
    }
    let mut latest = client.websocket_connect("/pages/a").await?;
    latest.receive_text().await?;
    assert_eq!(latest.receive_json::<Value>().await?, page(&[3, 4, 5], false));
    assert_eq!(latest.receive_text().await?, "true");
    let mut since = client.websocket_connect("/pages/a?since=1").await?;
    since.receive_text().await?;
    for expected in [page(&[2, 3], true), page(&[4, 5], false)] {
        assert_eq!(since.receive_json::<Value>().await?, expected);
    }
    assert_eq!(since.receive_text().await?, "true");
    room.publish(&6).await?;
    for ws in [&mut early, &mut latest, &mut since] {
        assert_eq!(ws.receive_json::<u64>().await?, 6);
    }
    Ok(())
}

async fn the_latest_may_be_several_pages(store: Store) -> Result<()> {
    let app = app(&store, Retention::all());
    let room = app.hub().room("a");
    let client = TestClient::new(app);
    // A page takes 31 of them, and some small ones.
    let text = "x".repeat(16_384);
    for stored in [20, 60, 120] {
        while room.publish(&text).await?.get() < stored {}
        let mut ws = client.websocket_connect("/latest").await?;
        let mut next = stored.saturating_sub(50) + 1;
        loop {
            let page: Value = ws.receive_json().await?;
            let offsets = page["offsets"].as_array().expect("offsets");
            assert!((1..=33).contains(&offsets.len()), "{page}");
            for offset in offsets {
                assert_eq!(offset.as_u64(), Some(next), "of {stored}");
                next += 1;
            }
            let expected = (true, next <= stored);
            assert_eq!((page["recovered"] == true, page["more"] == true), expected, "of {stored}");
            if !expected.1 {
                break;
            }
        }
        assert_eq!(next, stored + 1);
        assert_eq!(room.publish(&"live").await?.get(), next);
        assert_eq!(ws.receive_json::<u64>().await?, next);
    }
    Ok(())
}

/// What is read from the store waits nowhere but in the outbox.
#[sockeye::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_up_nobody() -> Result<()> {
    let app = App::new().history(MemoryHistory::with(Retention::all())).route(since);
    let room = app.hub().room("a");
    let client = TestClient::new(app);
    let text = "x".repeat(4096);
    for _ in 0..1000 {
        room.publish(&text).await?;
    }
    let mut stuck = client.websocket_connect("/since/a?since=0").await?;
    until("a member", || room.len() == 1).await;
    for _ in 0..1000 {
        room.publish(&text).await?;
    }
    assert_eq!(room.stats().messages_lost, 0);
    for _ in 0..2000 {
        assert_eq!(stuck.receive_text().await?.len(), text.len() + 2);
    }
    assert_eq!(stuck.receive_json::<Value>().await?, json!({ "recovered": true }));
    Ok(())
}

/// What comes while it catches up is more than may wait for it: then it is read from the store, too.
#[sockeye::test(flavor = "multi_thread")]
async fn who_catches_up_slowly_gets_all_of_it() -> Result<()> {
    const FIRST: u64 = 150;
    const ALL: u64 = 200;
    for overflow in [Overflow::Disconnect, Overflow::DropOldest, Overflow::DropNewest] {
        // Small in the store, so that a page takes them all, and large on the way.
        let large = |stored: &Stored| (stored.offset, "x".repeat(16 * 1024));
        let rooms = RoomOptions::new().render(large).overflow(overflow);
        let app = App::new().history(MemoryHistory::new()).rooms(rooms).route(since).route(events);
        let room = app.hub().room("a");
        let client = TestClient::new(app);
        while room.publish(&1).await?.get() < FIRST {}
        let mut stream = client.get("/events/a").header("last-event-id", "0").events().await?;
        let mut ws = client.websocket_connect("/since/a?since=0").await?;
        let offset = |text: &str| Ok::<_, Error>(serde_json::from_str::<(u64, String)>(text)?.0);
        // Now the only page is read.
        assert_eq!((offset(&stream.next().await?.data)?, offset(&ws.receive_text().await?)?), (1, 1));
        while room.publish(&1).await?.get() < ALL {}
        for expected in 2..=ALL {
            assert_eq!(offset(&stream.next().await?.data)?, expected, "{overflow:?}");
        }
        for expected in 2..=ALL {
            assert_eq!(offset(&ws.receive_text().await?)?, expected, "{overflow:?}");
        }
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "recovered": true }));
        room.publish(&1).await?;
        assert_eq!((offset(&stream.next().await?.data)?, offset(&ws.receive_text().await?)?), (ALL + 1, ALL + 1));
        assert_eq!(room.stats().messages_lost, 0);
    }
    Ok(())
}

/// Dropped half way, it has left, and the room forgets that somebody was behind.
#[sockeye::test]
async fn who_gives_up_has_left() -> Result<()> {
    let app = App::new().history(MemoryHistory::with(Retention::all())).route(since);
    let room = app.hub().room("a");
    let client = TestClient::new(app);
    for _ in 0..1000 {
        room.publish(&"x".repeat(4096)).await?;
    }
    let ws = client.websocket_connect("/since/a?since=0").await?;
    until("a member", || room.len() == 1).await;
    drop(ws);
    until("nobody", || room.is_empty()).await;
    room.publish(&1).await?;
    Ok(())
}
