//! Who comes and goes.

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{Result, prelude::*, time::sleep};

use super::{ann_and_bob, client, guest, nothing, receive, say, user};

#[sockeye::test]
async fn the_newcomer_learns_who_is_there_and_the_others_learn_of_it() -> Result<()> {
    let client = client();
    let mut ann = client.websocket_connect("/ws/1?user_id=1&username=Ann").await?;
    let connected = receive(&mut ann, "connected").await?;
    assert_eq!(connected, json!({ "room_id": "1", "active_users": [user(1, "Ann")] }));
    let history = receive(&mut ann, "history").await?;
    assert_eq!(history, json!({ "messages": [], "recovered": true, "more": false }));

    let mut bob = client.websocket_connect("/ws/1?user_id=-2&username=Bob").await?;
    let connected = receive(&mut bob, "connected").await?;
    let mut users = connected["active_users"].as_array().cloned().unwrap_or_default();
    users.sort_by_key(|user| user["user_id"].as_i64());
    assert_eq!(users, [user(-2, "Bob"), user(1, "Ann")]);
    receive(&mut bob, "history").await?;
    assert_eq!(receive(&mut ann, "user_joined").await?, user(-2, "Bob"));
    nothing(&mut bob).await
}

#[sockeye::test]
async fn rooms_do_not_hear_each_other() -> Result<()> {
    let client = client();
    let mut red = guest(&client, "red", 1, "Ann").await?;
    let mut blue = guest(&client, "blue", 2, "Bob").await?;
    assert_eq!((say(&mut red, "red").await?, say(&mut blue, "blue").await?), (1, 1));
    nothing(&mut red).await?;
    nothing(&mut blue).await
}

/// A user is there with the first tab, and gone within 3 s of the last one.
#[sockeye::test(start_paused = true)]
async fn several_tabs_are_one_user() -> Result<()> {
    let client = client();
    let mut bob = guest(&client, "a", 2, "Bob").await?;
    let mut first = guest(&client, "a", 1, "Ann").await?;
    assert_eq!(receive(&mut bob, "user_joined").await?, user(1, "Ann"));
    let mut second = guest(&client, "a", 1, "Ann").await?;
    say(&mut first, "from one").await?;
    receive(&mut second, "message").await?;
    say(&mut second, "from the other").await?;
    receive(&mut first, "message").await?;
    for content in ["from one", "from the other"] {
        assert_eq!(receive(&mut bob, "message").await?["content"], content);
    }
    first.close(1000).await?;
    bob.expect_silence(Duration::from_secs(15)).await?;
    second.close(1000).await?;
    let left = sockeye::time::Instant::now();
    let gone = receive(&mut bob, "user_left").await?;
    assert_eq!(gone, user(1, "Ann"));
    assert!(left.elapsed() < Duration::from_secs(3), "{:?}", left.elapsed());
    // And again.
    let back = guest(&client, "a", 1, "Ann").await?;
    assert_eq!(receive(&mut bob, "user_joined").await?, user(1, "Ann"));
    drop(back);
    assert_eq!(receive(&mut bob, "user_left").await?, user(1, "Ann"));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_reload_is_no_leave() -> Result<()> {
    let client = client();
    let (mut ann, mut bob) = ann_and_bob(&client, "a").await?;
    for _ in 0..3 {
        bob.close(1000).await?;
        sleep(Duration::from_millis(1500)).await;
        bob = guest(&client, "a", 2, "Bob").await?;
    }
    ann.expect_silence(Duration::from_secs(15)).await
}

#[sockeye::test]
async fn who_gives_no_name_gets_one() -> Result<()> {
    let client = client();
    for query in ["", "&username=", "&username=%20%09", "&name=x"] {
        let mut ws = client.websocket_connect(&format!("/ws/a?user_id=7{query}")).await?;
        assert_eq!(receive(&mut ws, "connected").await?["active_users"], json!([user(7, "user-7")]), "{query}");
        ws.close(1000).await?;
    }
    Ok(())
}

#[sockeye::test]
async fn names_are_data() -> Result<()> {
    let client = client();
    let long = "é".repeat(64);
    let names = ["<script>alert(1)</script>", "José 🐟", "a\r\nb", "a+b&c=d", "../x", "*", "{}", "\u{202e}abc", &long];
    for (at, name) in names.into_iter().enumerate() {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        // The room, too.
        let mut ann = guest(&client, &encoded, 1, "Ann").await?;
        let path = format!("/ws/{encoded}?user_id={}&username={encoded}", at + 10);
        let mut ws = client.websocket_connect(&path).await?;
        assert_eq!(receive(&mut ws, "connected").await?["room_id"], name);
        receive(&mut ws, "history").await?;
        assert_eq!(receive(&mut ann, "user_joined").await?["username"], name);
        assert_eq!(say(&mut ws, name).await?, 1);
        assert_eq!(receive(&mut ann, "message").await?["username"], name);
        let stats: Value = client.get("/ws/stats").await?.json();
        assert_eq!(stats["rooms"][name], json!({ "connections": 2, "users": 2 }));
        ws.close(1000).await?;
        ann.close(1000).await?;
    }
    Ok(())
}

/// Names that browsers and servers would take for something else.
#[sockeye::test]
async fn a_room_may_have_a_long_name() -> Result<()> {
    let client = client();
    let long = "%F0%9F%90%9F".repeat(256);
    let mut ann = guest(&client, &long, 1, "Ann").await?;
    say(&mut ann, "x").await?;
    client.websocket(&format!("/ws/{long}x?user_id=1")).connect().await.expect_denied(404);
    Ok(())
}
