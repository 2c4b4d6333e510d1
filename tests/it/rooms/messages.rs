//! Who gets what.

use std::time::Duration;

use serde_json::json;
use sockeye::prelude::*;

use super::{app, join, shortest, silent, until};

const MOMENT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_broadcast_reaches_all_members_the_sender_too() -> Result<()> {
    for client in [TestClient::new(app()), TestClient::tcp(app()).await?] {
        let mut all =
            [join(&client, "/rooms/a").await, join(&client, "/rooms/a").await, join(&client, "/rooms/a").await];
        let mut elsewhere = join(&client, "/rooms/b").await;
        all[0].send_text("all hello").await?;
        for ws in &mut all {
            assert_eq!(ws.receive_text().await?, "hello");
        }
        elsewhere.expect_silence(MOMENT).await?;
    }
    Ok(())
}

#[tokio::test]
async fn others_are_all_but_one() -> Result<()> {
    let client = TestClient::new(app());
    let (mut one, mut two) = (join(&client, "/rooms/a").await, join(&client, "/rooms/a").await);
    one.send_text("others hello").await?;
    assert_eq!(two.receive_text().await?, "hello");
    one.expect_silence(MOMENT).await?;
    Ok(())
}

#[tokio::test]
async fn a_user_is_all_its_connections() -> Result<()> {
    let client = TestClient::new(app());
    let mut asks = join(&client, "/rooms/a").await;
    let mut here = [join(&client, "/rooms/a?user=eve").await, join(&client, "/rooms/a?user=eve").await];
    let mut there = join(&client, "/rooms/b?user=eve").await;
    let mut other = join(&client, "/rooms/a?user=ann").await;
    asks.send_text("to eve psst").await?;
    assert_eq!(asks.receive_text().await?, "to 2");
    asks.send_text("anywhere eve hey").await?;
    assert_eq!(asks.receive_text().await?, "to 3");
    asks.send_text("to nobody psst").await?;
    assert_eq!(asks.receive_text().await?, "to 0");
    for ws in &mut here {
        assert_eq!(ws.receive_text().await?, "psst");
        assert_eq!(ws.receive_text().await?, "hey");
    }
    assert_eq!(there.receive_text().await?, "hey");
    other.expect_silence(MOMENT).await?;
    Ok(())
}

/// A connection in two rooms of its user gets one copy.
#[tokio::test]
async fn a_connection_gets_what_is_sent_to_its_user_once() -> Result<()> {
    let app = App::new().websocket("/", |_| async { Ok(()) });
    let hub = app.hub();
    let rooms = hub.clone();
    let app = app.websocket("/both", move |ws: WebSocket| {
        let hub = rooms.clone();
        async move {
            let _one = hub.room("a").join_as(&ws, "eve", ()).await?;
            let _two = hub.room("b").join_as(&ws, "eve", ()).await?;
            ws.send_text("in").await?;
            ws.closed().await;
            Ok::<_, Error>(())
        }
    });
    let client = TestClient::new(app);
    let mut ws = join(&client, "/both").await;
    assert_eq!(hub.send_to("eve", "once").await?, 1);
    assert_eq!(ws.receive_text().await?, "\"once\"");
    hub.room("a").broadcast_except_user("eve", "not for you").await?;
    hub.room("a").broadcast_except_user("bob", "for eve").await?;
    assert_eq!(ws.receive_text().await?, "\"for eve\"");
    ws.expect_silence(MOMENT).await?;
    let users = hub.users();
    assert_eq!((users.len(), users[0].connections, users[0].memberships), (1, 1, 2));
    Ok(())
}

#[tokio::test]
async fn text_bytes_and_json_from_outside() -> Result<()> {
    let (app, hub) = silent(App::new());
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/news").await?;
    until("joined", || hub.room("news").len() == 1).await;
    let room = hub.room("news");
    room.broadcast_text("text").await?;
    room.broadcast_bytes([1, 2, 3]).await?;
    room.broadcast(&json!({ "n": 1 })).await?;
    room.broadcast(&Message::from("message")).await?;
    hub.publish("news", &7).await?;
    hub.publish("nobody's", &7).await?;
    assert_eq!(ws.receive_text().await?, "text");
    assert_eq!(ws.receive_bytes().await?, [1, 2, 3][..]);
    assert_eq!(ws.receive_text().await?, r#"{"n":1}"#);
    assert_eq!(ws.receive_text().await?, "message");
    assert_eq!(ws.receive_text().await?, "7");
    let id = room.members()[0].id;
    room.broadcast_except(id, "not for you").await?;
    ws.expect_silence(MOMENT).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_json_is_an_error_and_goes_to_nobody() -> Result<()> {
    let (app, hub) = silent(App::new());
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/a").await?;
    until("joined", || hub.room("a").len() == 1).await;
    let no_json = std::collections::HashMap::from([(vec![1], 1)]);
    assert!(hub.room("a").broadcast(&no_json).await.is_err());
    ws.expect_silence(MOMENT).await?;
    Ok(())
}

/// Names are data.
#[tokio::test]
async fn any_name_is_a_room() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let client = TestClient::new(app);
    for (name, encoded) in [
        ("*", "*"),
        ("?", "%3F"),
        ("\r\n", "%0D%0A"),
        ("..%2Fx", "..%252Fx"),
        ("\u{202e}", "%E2%80%AE"),
        ("é", "%C3%A9"),
    ] {
        let mut ws = join(&client, &format!("/rooms/{encoded}")).await;
        assert_eq!(hub.rooms().iter().map(|room| room.name().to_owned()).collect::<Vec<_>>(), [name]);
        hub.publish(name, "hello").await?;
        assert_eq!(ws.receive_text().await?, r#""hello""#);
        ws.close(1000).await?;
        until("left", || hub.rooms().is_empty()).await;
    }
    assert!(hub.room("\0").is_empty());
    Ok(())
}

#[tokio::test]
async fn both_shapes_of_statistics() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut one = join(&client, "/rooms/a?user=eve").await;
    let mut two = join(&client, "/rooms/a?user=eve").await;
    let three = join(&client, "/rooms/b?user=ann").await;
    one.send_text("all hello").await?;
    one.receive_text().await?;
    two.receive_text().await?;
    let stats = hub.stats();
    assert_eq!((stats.total_connections, stats.current_connections, stats.active_users), (3, 3, 2));
    // Three times the presence, two copies.
    assert_eq!((stats.messages_sent, stats.messages_received, stats.messages_lost), (5, 1, 0));
    let rooms: std::collections::BTreeMap<_, _> =
        hub.rooms().iter().map(|room| (room.name().to_owned(), room.stats())).collect();
    assert_eq!((rooms["a"].connections, rooms["a"].users), (2, 1));
    assert_eq!((rooms["a"].messages, rooms["a"].messages_sent, rooms["a"].waiting), (1, 2, 0));
    assert_eq!((rooms["b"].connections, rooms["b"].users, rooms["b"].messages), (1, 1, 0));
    let shape = serde_json::to_value(stats)?;
    for name in ["total_connections", "current_connections", "messages_sent", "messages_received", "active_users"] {
        assert!(shape[name].is_u64(), "{name}");
    }
    drop(three);
    until("gone", || hub.stats().current_connections == 2).await;
    let stats = hub.stats();
    assert_eq!((stats.total_connections, stats.active_users, stats.total_rooms), (3, 1, 1));
    Ok(())
}

/// A room and its clean-up take at most 12 lines that are not blank.
#[tokio::test]
async fn a_room_takes_twelve_lines() -> Result<()> {
    let lines = include_str!("shortest.rs").lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 12, "{lines}");
    let app = shortest::app();
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut one = client.websocket_connect("/chat/a").await?;
    let mut two = client.websocket_connect("/chat/a").await?;
    until("both are there", || hub.room("a").len() == 2).await;
    one.send_text("hello").await?;
    assert_eq!((one.receive_text().await?, two.receive_text().await?), ("hello".into(), "hello".into()));
    drop(one);
    until("one has left", || hub.room("a").len() == 1).await;
    two.close(1000).await?;
    until("the room is gone", || hub.rooms().is_empty()).await;
    Ok(())
}
