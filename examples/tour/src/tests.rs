//! The tour, row by row.

use serde_json::{Value, json};
use sockeye::prelude::*;

use super::app;

fn client() -> TestClient {
    TestClient::new(app())
}

#[sockeye::test]
async fn echoes_text() -> Result<()> {
    let mut ws = client().websocket_connect("/ws").await?;
    ws.send_text("Hello!").await?;
    assert_eq!(ws.receive_text().await?, "Echo: Hello!");
    ws.close(1000).await
}

#[sockeye::test]
async fn rooms_are_named_by_the_path() -> Result<()> {
    for (path, room) in [("/ws/room123", "room123"), ("/ws/caf%C3%A9", "café"), ("/ws/a%2Fb", "a/b")] {
        let mut ws = client().websocket_connect(path).await?;
        assert_eq!(ws.receive_text().await?, format!("Welcome to room: {room}"));
        ws.send_text("Hello").await?;
        assert_eq!(ws.receive_text().await?, format!("[{room}] Hello"));
    }
    Ok(())
}

#[sockeye::test]
async fn every_kind_of_message() -> Result<()> {
    let mut ws = client().websocket_connect("/ws/ops").await?;
    ws.send_text("text").await?;
    ws.send_json(&json!({ "any": 1 })).await?;
    ws.send_bytes([1, 2, 3]).await?;
    assert_eq!(ws.receive_text().await?, "Hello");
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "message": "Hello" }));
    assert_eq!(ws.receive_bytes().await?, "binary data");
    ws.expect_close(1000).await?;
    Ok(())
}

#[sockeye::test]
async fn json_in_json_out() -> Result<()> {
    let mut ws = client().websocket_connect("/ws/json").await?;
    for (sent, echo) in [(json!({ "message": "Hello" }), "Hello"), (json!({ "x": 1 }), ""), (json!([1]), "")] {
        ws.send_json(&sent).await?;
        let expected = json!({ "received": sent, "processed": true, "echo": echo });
        assert_eq!(ws.receive_json::<Value>().await?, expected);
    }
    ws.send_text("{broken").await?;
    let frame = ws.expect_close(1007).await?;
    assert!(frame.reason.contains("line 1 column 2"), "{frame}");
    Ok(())
}

#[sockeye::test]
async fn tokens_are_checked_in_three_ways() -> Result<()> {
    let client = client();
    let mut ws = client.websocket_connect("/ws/token").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "error": "No token" }));
    ws.expect_close(1000).await?;
    let mut ws = client.websocket_connect("/ws/token?token=abc123").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "authenticated": true }));

    let mut ws = client.websocket_connect("/ws/secure?token=wrong").await?;
    assert_eq!(ws.expect_close(4001).await?.reason, "unauthorized");
    client.websocket("/ws/strict").connect().await.expect_denied(401);
    for path in ["/ws/secure?token=secret-token", "/ws/strict?token=secret-token"] {
        let mut ws = client.websocket_connect(path).await?;
        assert_eq!(ws.receive_text().await?, "Authenticated!");
    }
    Ok(())
}

#[sockeye::test]
async fn answers_until_the_peer_goes() -> Result<()> {
    let mut ws = client().websocket_connect("/ws/disconnect").await?;
    ws.send_text("hi").await?;
    assert_eq!(ws.receive_text().await?, "Got: hi");
    ws.close(1000).await
}

#[sockeye::test]
async fn a_room_hears_what_is_said() -> Result<()> {
    let client = client();
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(client.websocket_connect("/chat/a").await?);
    }
    let mut elsewhere = client.websocket_connect("/chat/b").await?;
    // A member has joined once it hears itself.
    for ws in &mut members {
        ws.send_text("here").await?;
        assert_eq!(ws.receive_text().await?, "[a] here");
    }
    members[0].send_text("bye").await?;
    for ws in &mut members {
        while ws.receive_text().await? != "[a] bye" {}
    }
    elsewhere.send_text("alone").await?;
    assert_eq!(elsewhere.receive_text().await?, "[b] alone");
    Ok(())
}

#[sockeye::test]
async fn echoes_messages_as_they_came() -> Result<()> {
    let mut ws = client().websocket_connect("/echo").await?;
    for message in [Message::text("é"), Message::text(""), Message::binary(vec![0; 3 << 20])] {
        ws.send(&message).await?;
        assert_eq!(ws.receive().await?, message);
    }
    Ok(())
}

#[sockeye::test]
async fn a_router_brings_its_prefix() -> Result<()> {
    let mut ws = client().websocket_connect("/api/v1/notifications").await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "connected" }));
    Ok(())
}
