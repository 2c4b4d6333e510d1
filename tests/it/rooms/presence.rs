//! Who is there, and who is told.

use std::time::Duration;

use serde_json::json;
use sockeye::{PresenceEvent, RoomOptions, TestSocket, prelude::*};

use super::{app, join, until};

fn announced(options: RoomOptions) -> RoomOptions {
    options.announce(|event| match event {
        PresenceEvent::Joined(user) => Some(json!({ "joined": user.meta() })),
        PresenceEvent::Left(user) => Some(json!({ "left": user.meta() })),
        _ => None,
    })
}

async fn hears(ws: &mut TestSocket, what: &str, user: &str) {
    let text = ws.receive_text().await.expect("an announcement");
    assert_eq!(text, json!({ what: { "name": user } }).to_string());
}

#[tokio::test]
async fn the_first_tab_joins_and_the_last_one_leaves() -> Result<()> {
    let app = app().rooms(announced(RoomOptions::new()));
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut eve = join(&client, "/rooms/a?user=eve").await;
    let mut ann = client.websocket_connect("/rooms/a?user=ann").await?;
    assert_eq!(ann.receive_text().await?, r#"[{"name":"ann"},{"name":"eve"}]"#);
    hears(&mut eve, "joined", "ann").await;
    let mut tab = join(&client, "/rooms/a?user=ann").await;
    assert_eq!(hub.room("a").presence().get("ann").map(|user| user.connections()), Some(2));
    ann.close(1000).await?;
    until("one tab", || hub.room("a").len() == 2).await;
    assert_eq!(hub.room("a").presence().get("ann").map(|user| user.connections()), Some(1));
    tab.close(1000).await?;
    hears(&mut eve, "left", "ann").await;
    assert_eq!(serde_json::to_string(&hub.room("a").presence())?, r#"[{"name":"eve"}]"#);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn who_is_back_in_time_has_never_left() -> Result<()> {
    let app = app().rooms(announced(RoomOptions::new().grace(Duration::from_secs(2))));
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut eve = join(&client, "/rooms/a?user=eve").await;
    let mut ann = join(&client, "/rooms/a?user=ann").await;
    hears(&mut eve, "joined", "ann").await;
    ann.close(1000).await?;
    until("gone", || hub.room("a").len() == 1).await;
    assert_eq!(hub.room("a").presence().get("ann").map(|user| user.connections()), Some(0));
    assert_eq!(hub.room("a").stats().users, 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut ann = join(&client, "/rooms/a?user=ann").await;
    eve.expect_silence(Duration::from_secs(3)).await?;
    ann.close(1000).await?;
    let since = tokio::time::Instant::now();
    hears(&mut eve, "left", "ann").await;
    let took = since.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(3), "{took:?}");
    Ok(())
}

/// A room whose last user is expected back lives as long as that.
#[sockeye::test(start_paused = true)]
async fn a_room_lives_through_the_grace() -> Result<()> {
    let app = app().rooms(RoomOptions::new().grace(Duration::from_secs(2)));
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut ann = join(&client, "/rooms/a?user=ann").await;
    ann.close(1000).await?;
    until("gone", || hub.room("a").is_empty()).await;
    assert_eq!((hub.rooms().len(), hub.stats().total_rooms), (1, 1));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((hub.rooms().len(), hub.stats().total_rooms), (0, 0));
    Ok(())
}

/// Nothing overtakes a welcome.
#[sockeye::test(worker_threads = 4)]
async fn a_welcome_comes_first() -> Result<()> {
    let client = TestClient::tcp(app().rooms(announced(RoomOptions::new()))).await?;
    let comings = (0..40).map(async |number| {
        let mut ws = client.websocket_connect(&format!("/welcome/a?user=u{number}")).await.unwrap();
        let welcome: Vec<serde_json::Value> = ws.receive_json().await.unwrap();
        let (mut seen, mut direct) = (welcome.len(), false);
        while seen < 40 || !direct {
            match &*ws.receive_text().await.unwrap() {
                "direct" => direct = true,
                _ => seen += 1,
            }
        }
        ws
    });
    let mut sockets = futures_util::future::join_all(comings).await;
    for ws in &mut sockets {
        ws.expect_silence(Duration::from_millis(20)).await?;
    }
    Ok(())
}

/// What `join` gives and what is announced afterwards are the whole truth, however the two overlap.
#[sockeye::test(worker_threads = 4)]
async fn snapshot_and_events_fit() -> Result<()> {
    let app = app().rooms(announced(RoomOptions::new()));
    let hub = app.hub();
    let client = TestClient::tcp(app).await?;
    let mut events = hub.room("a").presence_events();
    let comings = futures_util::future::join_all((0..40).map(async |number| {
        let mut ws = client.websocket_connect(&format!("/rooms/a?user=u{number}")).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < 40 {
            // An event may overtake what the handler sends.
            let names = match serde_json::from_str(&ws.receive_text().await.unwrap()).unwrap() {
                serde_json::Value::Array(snapshot) => snapshot,
                event => vec![event["joined"].clone()],
            };
            for name in names {
                assert!(!seen.contains(&name), "{name} twice");
                seen.push(name);
            }
        }
        ws
    }));
    let sockets = comings.await;
    assert_eq!(hub.room("a").presence().len(), 40);
    for _ in 0..40 {
        assert!(matches!(events.next().await, PresenceEvent::Joined(_)));
    }
    drop(sockets);
    for _ in 0..40 {
        assert!(matches!(events.next().await, PresenceEvent::Left(_)));
    }
    assert_eq!((events.lost(), events.presence().len()), (0, 0));
    assert!(hub.room("a").presence().is_empty());
    Ok(())
}

#[tokio::test]
async fn who_does_not_read_events_loses_them() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut events = hub.room("a").presence_events();
    for _ in 0..200 {
        let mut ws = join(&client, "/rooms/a?user=eve").await;
        ws.close(1000).await?;
        until("left", || hub.room("a").is_empty()).await;
    }
    assert!(matches!(events.next().await, PresenceEvent::Joined(_)));
    assert_eq!(events.lost(), 400 - 256);
    Ok(())
}

/// A callback that panics takes nothing along.
#[tokio::test]
async fn an_announcement_that_panics_is_left_out() -> Result<()> {
    let options = RoomOptions::new().announce(|event| {
        assert_ne!(event.user().id(), "bad");
        Some(json!({ "joined": event.user().meta_as::<serde_json::Value>().unwrap() }))
    });
    let client = TestClient::new(app().rooms(options));
    let mut eve = join(&client, "/rooms/a?user=eve").await;
    let _bad = join(&client, "/rooms/a?user=bad").await;
    let _ann = join(&client, "/rooms/a?user=ann").await;
    hears(&mut eve, "joined", "ann").await;
    Ok(())
}
