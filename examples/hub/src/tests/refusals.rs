//! What is no message gets an error, and the socket stays open.

use std::time::{Duration, Instant};

use serde_json::json;
use sockeye::Result;

use super::{client, guest, receive, say};

#[sockeye::test]
async fn what_does_not_parse_gets_an_error() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let mut bob = guest(&client, "Bob", "2").await?;
    receive(&mut ann, "user_joined").await?;
    let deep = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let chat = |more: &str| format!(r#"{{"type":"chat","content":"x",{more}}}"#);
    for (text, why) in [
        (String::new(), "EOF"),
        ("hello".to_owned(), "expected"),
        ("{".to_owned(), "EOF"),
        ("null".to_owned(), "null"),
        ("[]".to_owned(), ""),
        ("5".to_owned(), "integer `5`"),
        ("1e400".to_owned(), "out of range"),
        ("\0".repeat(64 * 1024), "expected value"),
        (deep(10_000), ""),
        ("[".repeat(10_000), ""),
        (r#"{"a":"#.repeat(10_000), "recursion limit"),
        (chat(&format!(r#""more":{}"#, deep(10_000))), "recursion limit"),
        (chat(r#""more":1e400"#), "out of range"),
        (chat(r#""timestamp":1e400"#), "out of range"),
        (chat(r#""timestamp":"now""#), "expected f64"),
        (chat(r#""content":"y""#), "duplicate field `content`"),
        (chat(r#""type":"chat""#), "duplicate field `type`"),
        ("{}".to_owned(), "missing field `type`"),
        (json!({ "type": "chat" }).to_string(), "expected `content`, which is a text"),
        (json!({ "type": "chat", "content": null }).to_string(), "expected `content`, which is a text"),
        (json!({ "type": "chat", "content": 5 }).to_string(), "expected a string"),
        (json!({ "type": 5, "content": "x" }).to_string(), "expected a string"),
        (json!({ "type": null, "content": "x" }).to_string(), "expected a string"),
        (json!({ "type": "system", "content": "x" }).to_string(), "got `system`"),
        (json!({ "type": "user_joined", "content": "x" }).to_string(), "got `user_joined`"),
        (json!({ "type": "error", "content": "x" }).to_string(), "got `error`"),
        (json!({ "type": "Chat", "content": "x" }).to_string(), "got `Chat`"),
        (json!({ "type": "z".repeat(65_536), "content": "x" }).to_string(), "got `zzzz"),
    ] {
        let begin = Instant::now();
        bob.send_text(&*text).await?;
        let error = receive(&mut bob, "error").await?;
        let content = error["content"].as_str().expect("a text");
        assert!(content.contains(why) && !content.is_empty() && content.len() < 300, "{text:.100}: {content}");
        assert_eq!(error["from"], "system");
        assert!(begin.elapsed() < Duration::from_millis(500), "{text:.100} took {:?}", begin.elapsed());
    }
    bob.send_bytes(br#"{"type":"chat","content":"x"}"#).await?;
    assert!(receive(&mut bob, "error").await?["content"].as_str().is_some_and(|text| text.contains("binary")));
    // Nobody else has heard of it, and the socket is as good as before.
    say(&mut bob, "chat", "fine").await?;
    assert_eq!(receive(&mut ann, "chat").await?["content"], "fine");
    Ok(())
}

#[sockeye::test]
async fn what_is_said_besides_is_left_out() -> Result<()> {
    let mut ann = guest(&client(), "Ann", "1").await?;
    for text in [
        r#"{"type":"chat","content":"x"}"#,
        r#"{"content":"x","type":"chat","timestamp":1699363200000.5}"#,
        r#"{"type":"chat","content":"x","timestamp":null}"#,
        r#"{"type":"chat","content":"x","from":"system","id":"1","data":{"a":[1]},"more":[[[{}]]]}"#,
    ] {
        ann.send_text(text).await?;
        let message = receive(&mut ann, "chat").await?;
        assert_eq!((&message["content"], &message["from"]), (&"x".into(), &"Ann".into()), "{text}");
    }
    Ok(())
}

#[sockeye::test]
async fn a_message_that_is_too_large_closes() -> Result<()> {
    let mut ann = guest(&client(), "Ann", "1").await?;
    say(&mut ann, "chat", &"x".repeat(1 << 20)).await?;
    ann.expect_close(1009).await?;
    Ok(())
}
