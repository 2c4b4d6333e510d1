//! The hub, message by message.

mod doors;
mod pages;
mod refusals;
mod talk;
mod users;

use serde_json::{Value, json};
use sockeye::{Result, TestClient, TestSocket};

use crate::{Settings, app};

fn client() -> TestClient {
    TestClient::new(app(Settings::default()))
}

/// A client that was let in, and has read its list of users and its welcome.
async fn guest(client: &TestClient, name: &str, id: &str) -> Result<TestSocket> {
    let mut ws = client.websocket_connect(&format!("/ws?username={name}&userId={id}")).await?;
    let list = receive(&mut ws, "user_list").await?;
    assert!(list["data"].as_array().is_some_and(|users| users.contains(&user(name, id))), "{list}");
    receive(&mut ws, "system").await?;
    Ok(ws)
}

/// The next message, which has all six fields and is of this type.
async fn receive(ws: &mut TestSocket, kind: &str) -> Result<Value> {
    let message: Value = ws.receive_json().await?;
    let fields: Vec<&String> = message.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["content", "data", "from", "id", "timestamp", "type"], "{message}");
    assert_eq!(message["type"], kind, "{message}");
    if !["user_list", "user_joined", "user_left"].contains(&kind) {
        assert_eq!(message["data"], Value::Null, "{message}");
    }
    Ok(message)
}

async fn say(ws: &mut TestSocket, kind: &str, content: &str) -> Result<()> {
    ws.send_json(&json!({ "type": kind, "content": content, "timestamp": 1_699_363_200_000_u64 })).await
}

fn user(name: &str, id: &str) -> Value {
    json!({ "username": name, "userId": id })
}

/// N of `YYYYMMDDHHMMSS-N`.
fn number(message: &Value) -> u64 {
    let id = message["id"].as_str().expect("an id");
    let (stamp, number) = id.split_once('-').expect("two parts");
    assert!(stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    number.parse().expect("a number")
}
