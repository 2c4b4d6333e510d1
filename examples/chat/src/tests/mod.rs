//! The chat, row by row of its protocol.

mod history;
mod join;
mod page;
mod refusals;
mod settings;
mod status;
mod storage;
mod talk;

use serde_json::{Value, json};
use sockeye::{MemoryHistory, Result, TestClient, TestSocket};

use crate::{Rate, routes};

fn client() -> TestClient {
    TestClient::new(routes(Rate::default()).history(MemoryHistory::new()))
}

/// A user that was let in, and has read who is there and what was said.
async fn guest(client: &TestClient, room: &str, user_id: i64, username: &str) -> Result<TestSocket> {
    let mut ws = client.websocket_connect(&format!("/ws/{room}?user_id={user_id}&username={username}")).await?;
    let connected = receive(&mut ws, "connected").await?;
    assert!(connected["active_users"].as_array().is_some_and(|users| users.contains(&user(user_id, username))));
    receive(&mut ws, "history").await?;
    Ok(ws)
}

/// Two users who know of each other.
async fn ann_and_bob(client: &TestClient, room: &str) -> Result<(TestSocket, TestSocket)> {
    let mut ann = guest(client, room, 1, "Ann").await?;
    let bob = guest(client, room, 2, "Bob").await?;
    receive(&mut ann, "user_joined").await?;
    Ok((ann, bob))
}

/// The data of the next event, which is of this type and has no fields but `type` and `data`.
async fn receive(ws: &mut TestSocket, kind: &str) -> Result<Value> {
    let event: Value = ws.receive_json().await?;
    assert_eq!(event["type"], kind, "{event}");
    let fields: Vec<&String> = event.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["data", "type"], "{event}");
    Ok(event["data"].clone())
}

/// The receipt of a message, which is flat.
async fn receipt(ws: &mut TestSocket) -> Result<Value> {
    let event: Value = ws.receive_json().await?;
    assert_eq!(event["type"], "message_sent", "{event}");
    Ok(event)
}

/// The code of the next event, which is an error.
async fn error(ws: &mut TestSocket) -> Result<String> {
    let data = receive(ws, "error").await?;
    assert!(data["message"].as_str().is_some_and(|text| !text.is_empty() && text.len() < 500), "{data}");
    Ok(data["code"].as_str().unwrap_or_default().to_owned())
}

/// Says something, and gives its id once all is back.
async fn say(ws: &mut TestSocket, content: &str) -> Result<u64> {
    ws.send_json(&json!({ "type": "message", "content": content })).await?;
    let sent = receipt(ws).await?;
    let message = receive(ws, "message").await?;
    assert_eq!((&message["content"], &message["id"]), (&content.into(), &sent["message_id"]));
    Ok(sent["message_id"].as_u64().expect("a number"))
}

/// Asserts that nothing came until now: what is answered next is a ping.
async fn nothing(ws: &mut TestSocket) -> Result<()> {
    ws.send_json(&json!({ "type": "ping" })).await?;
    let pong: Value = ws.receive_json().await?;
    assert_eq!(pong, json!({ "type": "pong" }));
    Ok(())
}

fn user(user_id: i64, username: &str) -> Value {
    json!({ "user_id": user_id, "username": username })
}

fn contents(history: &Value) -> Vec<&str> {
    let messages = history["messages"].as_array().expect("an array");
    messages.iter().map(|message| message["content"].as_str().expect("a text")).collect()
}

fn ids(history: &Value) -> Vec<u64> {
    let messages = history["messages"].as_array().expect("an array");
    messages.iter().map(|message| message["id"].as_u64().expect("a number")).collect()
}
