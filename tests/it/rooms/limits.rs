//! How many, and how long.

use sockeye::{Limits, RoomOptions, prelude::*};

use super::{app, join, until};

#[tokio::test]
async fn a_full_room_takes_nobody() -> Result<()> {
    let app = app().rooms(RoomOptions::new().max_members(2));
    let hub = app.hub();
    let client = TestClient::new(app);
    let mut one = join(&client, "/rooms/a").await;
    let _two = join(&client, "/rooms/a").await;
    let mut three = client.websocket_connect("/rooms/a").await?;
    let frame = three.expect_close(1013).await?;
    assert_eq!(frame.reason, "the room is full: it takes 2 members");
    one.close(1000).await?;
    until("room", || hub.room("a").len() == 1).await;
    join(&client, "/rooms/a").await;
    Ok(())
}

/// Joins as many rooms as it is told, and says how it went.
async fn joins(limits: Limits, count: usize) -> Result<(Hub, String)> {
    let app = App::new().limits(limits);
    let hub = app.hub();
    let rooms = hub.clone();
    let app = app.websocket("/", move |ws: WebSocket| {
        let hub = rooms.clone();
        async move {
            let mut members = Vec::new();
            for number in 0..count {
                match hub.room(number.to_string()).join(&ws).await {
                    Ok(member) => members.push(member),
                    Err(error) => {
                        assert!(error.is_limit());
                        return ws.send_text(format!("{} then {error}", members.len())).await;
                    }
                }
            }
            ws.send_text("all").await
        }
    });
    let client = TestClient::new(app);
    let mut ws = client.websocket_connect("/").await?;
    let text = ws.receive_text().await?.to_string();
    until("left", || hub.rooms().is_empty()).await;
    assert_eq!(hub.stats().total_rooms, 0);
    Ok((hub, text))
}

#[tokio::test]
async fn rooms_are_limited() -> Result<()> {
    let mut limits = Limits::default();
    assert_eq!(joins(limits.clone(), 256).await?.1, "all");
    assert_eq!(joins(limits.clone(), 257).await?.1, "256 then expected a connection to be in at most 256 rooms");
    limits.max_rooms = 3;
    assert_eq!(joins(limits.clone(), 4).await?.1, "3 then expected at most 3 rooms at once");
    limits.max_rooms_per_connection = 0;
    assert_eq!(joins(limits, 1).await?.1, "0 then expected a connection to be in at most 0 rooms");
    Ok(())
}

#[tokio::test]
async fn a_name_has_at_most_1024_bytes() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let client = TestClient::new(app);
    join(&client, &format!("/rooms/{}", "x".repeat(1024))).await;
    let mut ws = client.websocket_connect(&format!("/rooms/{}", "x".repeat(1025))).await?;
    let frame = ws.expect_close(1008).await?;
    assert_eq!(frame.reason, "expected a room's name of at most 1024 bytes, got one of 1025");
    let error = hub.publish("x".repeat(1025), &1).await.unwrap_err();
    assert!(error.is_limit());
    Ok(())
}

/// Options of its own count for a room that nobody holds.
#[tokio::test]
async fn a_room_may_have_options_of_its_own() -> Result<()> {
    let app = app();
    let hub = app.hub();
    let held = hub.room_with("a", RoomOptions::new().max_members(1));
    let client = TestClient::new(app);
    let _one = join(&client, "/rooms/a").await;
    client.websocket_connect("/rooms/a").await?.expect_close(1013).await?;
    let same = hub.room_with("a", RoomOptions::new());
    client.websocket_connect("/rooms/a").await?.expect_close(1013).await?;
    drop((held, same));
    client.websocket_connect("/rooms/a").await?.expect_close(1013).await?;
    Ok(())
}
