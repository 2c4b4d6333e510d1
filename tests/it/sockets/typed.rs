//! Typed sockets, and what happens to what does not parse.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sockeye::prelude::*;

#[derive(Deserialize, Debug)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientEvent {
    Say { text: String },
    Ping,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ServerEvent {
    Said { text: String },
    Pong,
    Failed { disconnect: bool },
}

type Chat = WebSocket<ClientEvent, ServerEvent>;

async fn answer(ws: &Chat, event: ClientEvent) -> Result<()> {
    match event {
        ClientEvent::Say { text } => ws.send(&ServerEvent::Said { text }).await,
        ClientEvent::Ping => ws.send(&ServerEvent::Pong).await,
    }
}

#[websocket("/reply")]
async fn reply(mut ws: WebSocket<ClientEvent, ServerEvent>) -> Result<()> {
    while let Some(event) = ws.next().await {
        answer(&ws, event?).await?;
    }
    Ok(())
}

#[websocket("/close", invalid = "close")]
async fn close(mut ws: WebSocket<ClientEvent, ServerEvent>) -> Result<()> {
    loop {
        let event = ws.receive().await?;
        answer(&ws, event).await?;
    }
}

#[websocket("/pass", invalid = "pass")]
async fn pass(mut ws: WebSocket<ClientEvent, ServerEvent>) -> Result<()> {
    while let Some(event) = ws.next().await {
        match event {
            Ok(event) => answer(&ws, event).await?,
            Err(error) => ws.send(&ServerEvent::Failed { disconnect: error.is_disconnect() }).await?,
        }
    }
    Ok(())
}

#[websocket("/question", invalid = "pass")]
async fn question(mut ws: WebSocket<ClientEvent, ServerEvent>) -> Result<()> {
    while let Some(event) = ws.next().await {
        answer(&ws, event?).await?;
    }
    Ok(())
}

#[websocket("/halves")]
async fn halves(ws: WebSocket<ClientEvent, ServerEvent>) -> Result<()> {
    let (sender, mut receiver) = ws.split();
    let other = sender.clone();
    let worker = sockeye::spawn(async move { other.send(&ServerEvent::Said { text: "from a task".into() }).await });
    worker.await??;
    while let Some(event) = receiver.next().await {
        if let ClientEvent::Ping = event? {
            sender.send(&ServerEvent::Pong).await?;
        }
    }
    Ok(())
}

fn client() -> TestClient {
    TestClient::new(App::new().route(reply).route(close).route(pass).route(question).route(halves))
}

const BAD: [&str; 6] =
    ["{", "[]", r#"{"type":"nope"}"#, r#"{"type":"say"}"#, r#"{"type":"say","text":1e400}"#, "\u{0}\u{0}"];

#[sockeye::test]
async fn a_bad_message_is_answered_and_on_we_go() -> Result<()> {
    let mut ws = client().websocket_connect("/reply").await?;
    for bad in BAD {
        ws.send_text(bad).await?;
        let answer: Value = ws.receive_json().await?;
        assert_eq!((&answer["type"], &answer["data"]["code"]), (&json!("error"), &json!("invalid_message")), "{bad}");
        assert!(answer["data"]["message"].as_str().is_some_and(|message| message.starts_with("invalid message: ")));
    }
    ws.send_bytes([1]).await?;
    assert_eq!(ws.receive_json::<Value>().await?["data"]["code"], "invalid_message");
    ws.send_text(format!(r#"{}"type":"#, "[".repeat(10_000))).await?;
    assert_eq!(ws.receive_json::<Value>().await?["data"]["code"], "invalid_message");
    // What goes back does not grow with what came.
    ws.send_text(json!({ "type": "é".repeat(100_000) }).to_string()).await?;
    let answer: Value = ws.receive_json().await?;
    let message = answer["data"]["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("invalid message: unknown variant `é") && message.ends_with("é…"), "{message}");
    assert!(message.chars().count() < 1000);
    ws.send_json(&json!({ "type": "say", "text": "hi" })).await?;
    assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "said", "text": "hi" }));
    Ok(())
}

#[sockeye::test]
async fn a_bad_message_closes_1007() -> Result<()> {
    for bad in BAD {
        let mut ws = client().websocket_connect("/close").await?;
        ws.send_json(&json!({ "type": "ping" })).await?;
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "pong" }));
        ws.send_text(bad).await?;
        assert!(ws.expect_close(1007).await?.reason.starts_with("invalid message: "));
    }
    let mut ws = client().websocket_connect("/close").await?;
    ws.send_bytes([1]).await?;
    ws.expect_close(1003).await?;
    Ok(())
}

#[sockeye::test]
async fn a_bad_message_reaches_the_handler() -> Result<()> {
    let mut ws = client().websocket_connect("/pass").await?;
    for bad in BAD {
        ws.send_text(bad).await?;
        assert_eq!(ws.receive_json::<Value>().await?, json!({ "type": "failed", "disconnect": false }));
    }
    ws.close(1000).await
}

/// The peer's mistake is no failure of the handler that passes it on.
#[sockeye::test]
async fn a_bad_message_that_is_passed_on_closes_1007() -> Result<()> {
    let mut ws = client().websocket_connect("/question").await?;
    ws.send_text("{").await?;
    ws.expect_close(1007).await?;
    let mut ws = client().websocket_connect("/question").await?;
    ws.send_bytes([1]).await?;
    ws.expect_close(1003).await?;
    Ok(())
}

#[sockeye::test]
async fn halves_work_from_any_task() -> Result<()> {
    let mut ws = client().websocket_connect("/halves").await?;
    assert_eq!(ws.receive_json::<Value>().await?["text"], "from a task");
    ws.send_json(&json!({ "type": "ping" })).await?;
    assert_eq!(ws.receive_json::<Value>().await?["type"], "pong");
    ws.close(1000).await
}
