//! A room as a stream of events.

use std::{future::poll_fn, pin::Pin};

use http_body::Body as _;
use serde_json::{Value, json};
use sockeye::{Body, PresenceEvent, RoomOptions, prelude::*};

use crate::robustness::raw::soon;

#[get("/rooms/<room..>")]
async fn listen(room: String, hub: Hub) -> Result<Sse> {
    hub.room(&room).sse()
}

#[websocket("/join/<room>")]
async fn join(ws: WebSocket, room: String, user: String, hub: Hub) -> Result<()> {
    let member = hub.room(&room).join_as(&ws, user.as_str(), &user).await?;
    ws.send_text("joined").await?;
    member.room().broadcast_others_text(&member, "not to its author").await?;
    ws.closed().await;
    Ok(())
}

fn app() -> App {
    let rooms = RoomOptions::new().announce(|event| match event {
        PresenceEvent::Joined(user) => Some(json!({ "joined": user.id() })),
        _ => None,
    });
    App::new().rooms(rooms).route(listen).route(join)
}

#[sockeye::test]
async fn a_listener_hears_what_all_hear() -> Result<()> {
    let app = app();
    let client = TestClient::new(app.clone());
    let (room, elsewhere) = (app.hub().room("a"), app.hub().room("b"));
    // Said to nobody.
    room.broadcast_text("too early").await?;
    let mut listeners = [client.get("/rooms/a").events().await?, client.get("/rooms/a").events().await?];
    let mut ws = client.websocket_connect("/join/a?user=ann").await?;
    assert_eq!(ws.receive_text().await?, "joined");
    elsewhere.broadcast_text("elsewhere").await?;
    room.broadcast_text("two\nlines, é").await?;
    room.broadcast_bytes(b"bytes").await?;
    assert_eq!(room.send_to("ann", "for her").await?, 1);
    room.broadcast(&json!({ "text": "a\r\nb" })).await?;
    for events in &mut listeners {
        assert_eq!(events.next().await?.json::<Value>(), json!({ "joined": "ann" }));
        let mut texts = Vec::new();
        for _ in 0..3 {
            texts.push(events.next().await?.data);
        }
        // The handler says its own as soon as it gets to it.
        texts.retain(|text| text != "not to its author");
        assert_eq!(texts, ["two\nlines, é", r#"{"text":"a\r\nb"}"#]);
    }
    assert_eq!((room.len(), room.presence().len(), room.members().len()), (1, 1, 1));
    Ok(())
}

#[sockeye::test]
async fn who_listens_is_no_member_and_leaves_nothing_behind() -> Result<()> {
    let app = app();
    let client = TestClient::new(app.clone());
    let room = app.hub().room("a");
    let mut events = client.get("/rooms/a").events().await?;
    room.broadcast_text("one").await?;
    assert_eq!(events.next().await?.data, "one");
    assert!(room.is_empty() && app.hub().rooms().is_empty());
    assert_eq!((room.stats().messages, room.stats().messages_sent), (1, 1));
    drop(events);
    // What is said to nobody does not count.
    soon("the listener's end", async {
        for said in 1.. {
            room.broadcast_text("anybody?").await.unwrap();
            if room.stats().messages == said {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    Ok(())
}

#[sockeye::test]
async fn a_name_that_is_too_long_is_refused() -> Result<()> {
    let client = TestClient::new(app());
    let response = client.get(&format!("/rooms/{}", "x".repeat(1025))).await?;
    assert_eq!(response.status(), 400);
    let problem: Value = response.json();
    assert_eq!(problem["code"], "limit");
    assert_eq!(problem["detail"], "expected a room's name of at most 1024 bytes, got one of 1025");
    for name in ["*", "a/../b", "%0D%0Aevent:%20x", "%E2%80%AE"] {
        client.get(&format!("/rooms/{name}")).events().await?;
    }
    Ok(())
}

/// What a listener reads that did not read for a while.
async fn read(body: &mut Body) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(frame) = frame(body).await {
        let text = String::from_utf8(frame.to_vec()).unwrap();
        if text == "data: end\n\n" {
            break;
        }
        texts.extend(text.strip_prefix("data: ").map(|text| text.trim_end().to_owned()));
    }
    texts
}

async fn frame(body: &mut Body) -> Option<sockeye::Bytes> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    frame.unwrap().into_data().ok()
}

#[sockeye::test]
async fn a_slow_listener_meets_the_rooms_policy() -> Result<()> {
    let texts = |range: std::ops::Range<u32>| -> Vec<String> { range.map(|n| n.to_string()).collect() };
    for (overflow, expected, lost) in [
        (Overflow::Disconnect, vec![], 1025),
        (Overflow::DropOldest, texts(976..2000), 976),
        (Overflow::DropNewest, texts(0..1024), 976),
    ] {
        let hub = App::new().hub();
        let room = hub.room_with("a", RoomOptions::new().overflow(overflow));
        let mut slow = room.sse()?.into_response().into_body();
        let mut quick = room.sse()?.into_response().into_body();
        frame(&mut quick).await;
        for text in texts(0..2000) {
            room.broadcast_text(&text).await?;
            assert_eq!(frame(&mut quick).await.unwrap(), format!("data: {text}\n\n"));
        }
        if overflow == Overflow::Disconnect {
            assert_eq!(read(&mut slow).await, expected);
        } else {
            let mut waiting = Vec::new();
            frame(&mut slow).await;
            while waiting.len() < 1024 {
                let bytes = frame(&mut slow).await.unwrap();
                waiting.push(String::from_utf8(bytes.to_vec())?.trim_start_matches("data: ").trim_end().to_owned());
            }
            assert_eq!(waiting, expected);
            room.broadcast_text("end").await?;
            assert_eq!(read(&mut slow).await, Vec::<String>::new());
        }
        assert_eq!((room.stats().messages_lost, hub.stats().messages_lost), (lost, lost), "{overflow:?}");
    }
    Ok(())
}

/// A message that is larger than the queue gets through to who keeps up.
#[sockeye::test]
async fn a_large_message_fits() -> Result<()> {
    let room = App::new().hub().room("a");
    let mut body = room.sse()?.into_response().into_body();
    frame(&mut body).await;
    for _ in 0..3 {
        room.broadcast_text("x".repeat(1 << 20)).await?;
        assert_eq!(frame(&mut body).await.unwrap().len(), (1 << 20) + "data: \n\n".len());
    }
    Ok(())
}
