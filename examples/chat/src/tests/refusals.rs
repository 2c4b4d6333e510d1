//! What is refused: before the upgrade with HTTP, after it with an event, and the socket stays open.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sockeye::{MemoryHistory, Result, prelude::*, time::sleep};

use super::{ann_and_bob, client, error, guest, nothing, receipt, receive, say};
use crate::{Rate, routes};

#[sockeye::test]
async fn a_user_id_is_an_integer() -> Result<()> {
    let client = client();
    let long = format!("user_id=1&username={}", "x".repeat(65));
    for (query, names) in [
        ("", "user_id"),
        ("user_id=", "user_id"),
        ("user_id=abc", "user_id"),
        ("user_id=1.5", "user_id"),
        ("user_id=1e3", "user_id"),
        ("user_id=9223372036854775808", "user_id"),
        ("user_id=%201", "user_id"),
        ("userId=1", "user_id"),
        ("user_id=1&since=-1", "since"),
        ("user_id=1&since=x", "since"),
        ("user_id=1&since=", "since"),
        (&long, "username"),
    ] {
        let refused = client.websocket(&format!("/ws/a?{query}")).connect().await.expect_denied(422);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert!(refused.text().contains(names), "{query}: {}", refused.text());
    }
    for id in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
        guest(&client, "ids", id.parse()?, "Ann").await?;
    }
    Ok(())
}

#[sockeye::test]
async fn what_is_no_event_gets_an_error_and_the_socket_stays_open() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let message = |more: &str| format!(r#"{{"type":"message","content":"x",{more}}}"#);
    for (text, code) in [
        (String::new(), "invalid_json"),
        ("hello".to_owned(), "invalid_json"),
        ("{".to_owned(), "invalid_json"),
        (r#"{"type":"ping"} x"#.to_owned(), "invalid_json"),
        ("1e400".to_owned(), "invalid_json"),
        ("\0".repeat(64 * 1024), "invalid_json"),
        (deep(10_000), "invalid_json"),
        ("[".repeat(10_000), "invalid_json"),
        (r#"{"a":"#.repeat(10_000), "invalid_json"),
        (message(&format!(r#""more":{}"#, deep(10_000))), "invalid_json"),
        (message(r#""more":1e400"#), "invalid_json"),
        (message(r#""more":"\ud800""#), "invalid_json"),
        ("null".to_owned(), "invalid_message"),
        ("[]".to_owned(), "invalid_message"),
        (r#"["message","x"]"#.to_owned(), "invalid_message"),
        ("5".to_owned(), "invalid_message"),
        (r#""message""#.to_owned(), "invalid_message"),
        ("{}".to_owned(), "invalid_message"),
        (json!({ "type": 5 }).to_string(), "invalid_message"),
        (json!({ "type": null }).to_string(), "invalid_message"),
        (json!({ "type": "message_sent" }).to_string(), "unknown_type"),
        (json!({ "type": "user_joined", "data": {} }).to_string(), "unknown_type"),
        (json!({ "type": "Message", "content": "x" }).to_string(), "unknown_type"),
        (json!({ "type": "" }).to_string(), "unknown_type"),
        (json!({ "type": "z".repeat(65_536) }).to_string(), "unknown_type"),
        (json!({ "type": "message" }).to_string(), "invalid_message"),
        (json!({ "type": "message", "content": null }).to_string(), "invalid_message"),
        (json!({ "type": "message", "content": 5 }).to_string(), "invalid_message"),
        (json!({ "type": "message", "content": "" }).to_string(), "invalid_message"),
        (json!({ "type": "message", "data": { "content": "x" } }).to_string(), "invalid_message"),
        (json!({ "type": "message", "content": "x", "client_id": 5 }).to_string(), "invalid_message"),
        (message(r#""content":"y""#), "invalid_message"),
        (message(r#""type":"ping""#), "invalid_message"),
        (json!({ "type": "message", "content": "é".repeat(16_385) }).to_string(), "too_long"),
        (json!({ "type": "message", "content": "x".repeat(1_000_000) }).to_string(), "too_long"),
        (json!({ "type": "typing" }).to_string(), "invalid_message"),
        (json!({ "type": "typing", "is_typing": "yes" }).to_string(), "invalid_message"),
        (json!({ "type": "typing", "is_typing": 1 }).to_string(), "invalid_message"),
        (json!({ "type": "read" }).to_string(), "invalid_message"),
        (json!({ "type": "read", "message_id": -1 }).to_string(), "invalid_message"),
        (json!({ "type": "read", "message_id": "1" }).to_string(), "invalid_message"),
        (json!({ "type": "read", "message_id": 1e300 }).to_string(), "invalid_message"),
    ] {
        let begin = Instant::now();
        bob.send_text(&*text).await?;
        assert_eq!(error(&mut bob).await?, code, "{text:.100}");
        assert!(begin.elapsed() < Duration::from_millis(500), "{text:.100} took {:?}", begin.elapsed());
    }
    bob.send_bytes(br#"{"type":"message","content":"x"}"#).await?;
    assert_eq!(error(&mut bob).await?, "invalid_message");
    // Nobody else has heard of it, nothing was stored, and the socket is as good as before.
    assert_eq!(say(&mut bob, "fine").await?, 1);
    assert_eq!(receive(&mut ann, "message").await?["content"], "fine");
    Ok(())
}

#[sockeye::test]
async fn what_is_said_besides_is_left_out() -> Result<()> {
    let mut ann = guest(&client(), "a", 1, "Ann").await?;
    for text in [
        r#"{"content":"x","type":"message","user_id":2,"username":"Bob","id":7,"more":[[[{}]]]}"#,
        r#"{"type":"message","content":"x","client_id":null}"#,
    ] {
        ann.send_text(text).await?;
        let sent = receipt(&mut ann).await?;
        assert_eq!(sent.get("client_id"), None);
        let message = receive(&mut ann, "message").await?;
        assert_eq!((&message["user_id"], &message["username"]), (&1.into(), &"Ann".into()), "{text}");
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn who_says_too_much_at_once_is_told_so() -> Result<()> {
    let client = TestClient::new(routes(Rate::a_second(2)).history(MemoryHistory::new()));
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    for at in 0..25 {
        ann.send_json(&json!({ "type": "message", "content": "x", "client_id": format!("c{at}") })).await?;
    }
    let mut counts = [0; 2];
    for _ in 0..45 {
        let event: Value = ann.receive_json().await?;
        match event["type"].as_str() {
            Some("message_sent") => counts[0] += 1,
            Some("error") => {
                assert_eq!(event["data"]["code"], "rate_limited");
                assert_eq!(event["data"]["client_id"], format!("c{}", 20 + counts[1]));
                counts[1] += 1;
            }
            _ => {}
        }
    }
    assert_eq!(counts, [20, 5]);
    ann.send_text("garbage").await?;
    assert_eq!(error(&mut ann).await?, "rate_limited");
    // Others talk as before, and so does who waits.
    for at in 1..=20 {
        assert_eq!(receive(&mut bob, "message").await?["id"], at);
    }
    assert_eq!(say(&mut bob, "x").await?, 21);
    receive(&mut ann, "message").await?;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(say(&mut ann, "x").await?, 22);
    nothing(&mut ann).await
}

#[sockeye::test]
async fn pages_of_other_origins_are_refused() -> Result<()> {
    client().websocket("/ws/a?user_id=1").origin("https://elsewhere.example").connect().await.expect_denied(403);
    Ok(())
}
