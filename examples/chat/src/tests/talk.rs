//! What is said, and who hears it.

use serde_json::{Value, json};
use sockeye::{MemoryHistory, Result, TestClient, spawn};

use super::{ann_and_bob, client, error, guest, nothing, receipt, receive, say};
use crate::{Rate, routes};

#[sockeye::test]
async fn a_message_goes_to_all_and_its_sender_knows_that_it_is_stored() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    let longest = "🐟".repeat(16_384);
    for (at, content) in ["hello", " ", "<b>\0\n\"", "¡Adiós! 日本", &longest].into_iter().enumerate() {
        bob.send_json(&json!({ "type": "message", "content": content })).await?;
        let sent = receipt(&mut bob).await?;
        let (to_ann, to_bob) = (receive(&mut ann, "message").await?, receive(&mut bob, "message").await?);
        assert_eq!(to_ann, to_bob);
        let created_at = to_ann["created_at"].clone();
        let expected = json!({
            "id": at + 1, "user_id": 2, "username": "Bob", "content": content, "created_at": created_at,
        });
        assert_eq!(to_ann, expected);
        let stamp = created_at.as_str().expect("a text");
        assert!(stamp.len() == 24 && stamp.starts_with("20") && stamp.ends_with('Z'), "{stamp}");
        assert_eq!(sent, json!({ "type": "message_sent", "message_id": at + 1, "timestamp": created_at }));
    }
    nothing(&mut ann).await
}

#[sockeye::test]
async fn a_receipt_names_the_id_that_the_client_gave() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "a", 1, "Ann").await?;
    ann.send_json(&json!({ "type": "message", "content": "x", "client_id": "my-1" })).await?;
    assert_eq!(receipt(&mut ann).await?["client_id"], "my-1");
    // Nobody else's business.
    assert_eq!(receive(&mut ann, "message").await?.get("client_id"), None);
    ann.send_json(&json!({ "type": "message", "content": "", "client_id": "my-2" })).await?;
    let refused = receive(&mut ann, "error").await?;
    assert_eq!((&refused["code"], &refused["client_id"]), (&"invalid_message".into(), &"my-2".into()));
    for id in ["", &"x".repeat(65)] {
        ann.send_json(&json!({ "type": "message", "content": "x", "client_id": id })).await?;
        assert_eq!(error(&mut ann).await?, "invalid_message");
    }
    Ok(())
}

#[sockeye::test]
async fn typing_goes_to_the_others_and_to_no_tab_of_its_author() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    let mut tab = guest(&client, "a", 2, "Bob").await?;
    for is_typing in [true, false] {
        bob.send_json(&json!({ "type": "typing", "is_typing": is_typing })).await?;
        let typing = receive(&mut ann, "typing").await?;
        assert_eq!(typing, json!({ "user_id": 2, "username": "Bob", "is_typing": is_typing }));
    }
    nothing(&mut bob).await?;
    nothing(&mut tab).await
}

#[sockeye::test]
async fn reading_is_told_to_the_others_and_only_goes_forward() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    for content in ["one", "two", "three"] {
        say(&mut ann, content).await?;
        receive(&mut bob, "message").await?;
    }
    // Beyond the last there is nothing to be read.
    for (message_id, now) in [(2, Some(2)), (2, None), (1, None), (0, None), (u64::MAX, Some(3)), (3, None)] {
        bob.send_json(&json!({ "type": "read", "message_id": message_id })).await?;
        if let Some(now) = now {
            let read = receive(&mut ann, "read").await?;
            assert_eq!(read, json!({ "user_id": 2, "username": "Bob", "message_id": now }));
        }
        nothing(&mut bob).await?;
        nothing(&mut ann).await?;
    }
    Ok(())
}

/// For clients that ask for it: how far each has read.
#[sockeye::test]
async fn reading_is_stored() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    for content in ["one", "two"] {
        say(&mut ann, content).await?;
        receive(&mut bob, "message").await?;
    }
    for (ws, message_id) in [(&mut ann, 2), (&mut bob, 1)] {
        ws.send_json(&json!({ "type": "read", "message_id": message_id })).await?;
    }
    receive(&mut ann, "read").await?;
    receive(&mut bob, "read").await?;
    ann.close(1000).await?;
    receive(&mut bob, "user_left").await?;
    let mut cy = client.websocket_connect("/ws/a?user_id=3&reads=true").await?;
    receive(&mut cy, "connected").await?;
    receive(&mut cy, "history").await?;
    // Of who is not there the name is not known.
    for (user_id, username, message_id) in [(1, "user-1", 2), (2, "Bob", 1)] {
        let read = receive(&mut cy, "read").await?;
        assert_eq!(read, json!({ "user_id": user_id, "username": username, "message_id": message_id }));
    }
    nothing(&mut cy).await
}

/// However many are further: without that its page would take all for read.
#[sockeye::test]
async fn who_comes_learns_first_how_far_it_has_read_itself() -> Result<()> {
    // With the last number there are more than the store tells of.
    for others in [0, 200, 250, 10_000] {
        let app = routes(Rate::default()).history(MemoryHistory::new());
        let room = app.hub().room("a");
        let client = TestClient::new(app);
        for text in ["one", "two"] {
            room.publish(text).await?;
        }
        for user in 100..100 + others {
            room.mark_read(&user.to_string(), 2).await?;
        }
        room.mark_read("1", 1).await?;
        let mut ann = client.websocket_connect("/ws/a?user_id=1&username=Ann&reads=true").await?;
        receive(&mut ann, "connected").await?;
        receive(&mut ann, "history").await?;
        let own = receive(&mut ann, "read").await?;
        assert_eq!(own, json!({ "user_id": 1, "username": "Ann", "message_id": 1 }), "{others} others");
        for _ in 0..others.min(200) {
            assert_eq!(receive(&mut ann, "read").await?["message_id"], 2);
        }
        nothing(&mut ann).await?;
    }
    Ok(())
}

#[sockeye::test]
async fn all_hear_one_order() -> Result<()> {
    const EACH: usize = 50;
    let client = client();
    let mut listeners = [guest(&client, "a", 1, "a").await?, guest(&client, "a", 1, "a").await?];
    let mut talkers = Vec::new();
    for id in 2..5 {
        let talker = guest(&client, "a", id, "talker").await?;
        for listener in &mut listeners {
            receive(listener, "user_joined").await?;
        }
        talkers.push(talker);
    }
    let talking: Vec<_> = talkers
        .into_iter()
        .map(|mut talker| {
            spawn(async move {
                for at in 0..EACH {
                    talker.send_json(&json!({ "type": "message", "content": at.to_string() })).await?;
                }
                // What comes to it all the while is not read.
                Ok::<_, sockeye::Error>(talker)
            })
        })
        .collect();
    for listener in &mut listeners {
        let mut next = [0; 3];
        for at in 1..=3 * EACH {
            let message = receive(listener, "message").await?;
            assert_eq!(message["id"], at);
            let next = &mut next[message["user_id"].as_u64().expect("an id") as usize - 2];
            assert_eq!(message["content"], next.to_string());
            *next += 1;
        }
    }
    for talker in talking {
        drop(talker.await??);
    }
    Ok(())
}

#[sockeye::test]
async fn pings_are_answered() -> Result<()> {
    let mut ann = guest(&client(), "a", 1, "Ann").await?;
    for text in [r#"{"type":"ping"}"#, r#"{"type":"ping","data":{}}"#, r#" { "n" : 1.5e3, "type" : "ping" } "#] {
        ann.send_text(text).await?;
        assert_eq!(ann.receive_json::<Value>().await?, json!({ "type": "pong" }), "{text}");
    }
    say(&mut ann, "x").await.map(drop)
}
