//! Who comes and goes.

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{Result, spawn, time::sleep};

use super::{client, guest, receive, say, user};

#[sockeye::test]
async fn the_newcomer_gets_the_list_and_a_welcome_and_the_others_hear_of_it() -> Result<()> {
    let client = client();
    let mut ann = client.websocket_connect("/ws?username=Ann&userId=1").await?;
    assert_eq!(receive(&mut ann, "user_list").await?["data"], json!([user("Ann", "1")]));
    let welcome = receive(&mut ann, "system").await?;
    assert_eq!((&welcome["content"], &welcome["from"]), (&"Welcome, Ann".into(), &"system".into()));

    let mut bob = client.websocket_connect("/ws?username=Bob&userId=2").await?;
    assert_eq!(receive(&mut bob, "user_list").await?["data"], json!([user("Ann", "1"), user("Bob", "2")]));
    receive(&mut bob, "system").await?;
    let joined = receive(&mut ann, "user_joined").await?;
    assert_eq!((&joined["data"], &joined["from"]), (&user("Bob", "2"), &"system".into()));
    assert_eq!(joined["content"], "Bob has joined the chat");

    ann.close(1000).await?;
    let left = receive(&mut bob, "user_left").await?;
    assert_eq!((&left["data"], &left["from"]), (&user("Ann", "1"), &"system".into()));
    assert_eq!(left["content"], "Ann has left the chat");
    // Nobody was told of itself.
    say(&mut bob, "chat", "alone").await?;
    receive(&mut bob, "chat").await?;
    Ok(())
}

#[sockeye::test]
async fn a_client_that_breaks_off_has_left_too() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let bob = guest(&client, "Bob", "2").await?;
    receive(&mut ann, "user_joined").await?;
    drop(bob);
    assert_eq!(receive(&mut ann, "user_left").await?["data"], user("Bob", "2"));
    Ok(())
}

#[sockeye::test]
async fn missing_names_and_ids_are_given() -> Result<()> {
    let client = client();
    let mut seen: Vec<Value> = Vec::new();
    for query in ["", "?username=&userId=", "?other=1"] {
        let mut ws = client.websocket_connect(&format!("/ws{query}")).await?;
        let list = receive(&mut ws, "user_list").await?;
        let users = list["data"].as_array().expect("an array").clone();
        assert_eq!(users.len(), 1, "the ones before have left: {list}");
        assert!(users[0]["userId"].as_str().is_some_and(|id| id.len() == 36), "{list}");
        seen.extend(users);
        ws.close(1000).await?;
        while client.get("/ws/stats").await?.json::<Value>()["active_users"] != 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    let names: Vec<_> = seen.iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["guest-1", "guest-2", "guest-3"]);
    assert!(seen[0]["userId"] != seen[1]["userId"] && seen[1]["userId"] != seen[2]["userId"], "{seen:?}");
    Ok(())
}

#[sockeye::test]
async fn names_are_data() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let names = ["<script>alert(1)</script>", "José 🐟", "a\r\nb\0", "a+b&c=d", "../x", "\u{202e}abc", "system"];
    for (at, name) in names.into_iter().enumerate() {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut ws = client.websocket_connect(&format!("/ws?username={encoded}&userId=n{at}")).await?;
        assert_eq!(receive(&mut ann, "user_joined").await?["data"]["username"], name);
        say(&mut ws, "chat", "x").await?;
        assert_eq!(receive(&mut ann, "chat").await?["from"], name);
        ws.close(1000).await?;
        assert_eq!(receive(&mut ann, "user_left").await?["data"]["userId"], format!("n{at}"));
    }
    Ok(())
}

/// Two connections with one user id are one user: announced with the first and with the last, listed once.
#[sockeye::test]
async fn a_user_with_two_connections_is_there_once() -> Result<()> {
    let client = client();
    let mut bob = guest(&client, "Bob", "2").await?;
    let mut first = guest(&client, "Ann", "1").await?;
    assert_eq!(receive(&mut bob, "user_joined").await?["data"], user("Ann", "1"));
    let mut second = client.websocket_connect("/ws?username=Anna&userId=1").await?;
    // The latest name counts.
    assert_eq!(receive(&mut second, "user_list").await?["data"], json!([user("Anna", "1"), user("Bob", "2")]));
    receive(&mut second, "system").await?;
    // Each connection speaks by its own name, and all of them hear it.
    for (talker, name) in [(&mut first, "Ann"), (&mut second, "Anna")] {
        say(talker, "chat", name).await?;
        assert_eq!(receive(&mut bob, "chat").await?["from"], name);
    }
    for ann in [&mut first, &mut second] {
        for name in ["Ann", "Anna"] {
            assert_eq!(receive(ann, "chat").await?["from"], name);
        }
    }
    first.close(1000).await?;
    say(&mut second, "chat", "still here").await?;
    assert_eq!(receive(&mut bob, "chat").await?["content"], "still here");
    second.close(1000).await?;
    assert_eq!(receive(&mut bob, "user_left").await?["data"], user("Anna", "1"));
    Ok(())
}

/// Whatever goes on in the room meanwhile, on other threads.
#[sockeye::test(worker_threads = 4)]
async fn nothing_comes_before_the_list_and_the_welcome() -> Result<()> {
    let client = client();
    let noise = (0..4).map(|at| {
        let client = client.clone();
        spawn(async move {
            loop {
                let mut ws = client.websocket_connect(&format!("/ws?userId=noise{at}")).await?;
                // No more of them than the hub can serve: each hears what it has said before it says more.
                receive(&mut ws, "user_list").await?;
                let word = format!("noise {at}");
                for _ in 0..5 {
                    say(&mut ws, "chat", &word).await?;
                    while ws.receive_json::<Value>().await?["content"] != word {}
                }
                ws.close(1000).await?;
            }
            #[allow(unreachable_code, reason = "says what the errors are")]
            Ok::<(), sockeye::Error>(())
        })
    });
    let noise: Vec<_> = noise.collect();
    for at in 0..100 {
        let mut ws = client.websocket_connect(&format!("/ws?userId=u{at}")).await?;
        let list = receive(&mut ws, "user_list").await?;
        receive(&mut ws, "system").await?;
        follow(&mut ws, &list).await?;
    }
    for task in noise {
        task.abort();
        assert!(task.await.is_err_and(|end| end.is_cancelled()), "a client was sent away");
    }
    Ok(())
}

/// Each that leaves was there, and each that joins was not.
async fn follow(ws: &mut sockeye::TestSocket, list: &Value) -> Result<()> {
    let id = |user: &Value| user["userId"].as_str().unwrap_or_default().to_owned();
    let mut there: std::collections::BTreeSet<_> = list["data"].as_array().into_iter().flatten().map(id).collect();
    for _ in 0..20 {
        let message: Value = ws.receive_json().await?;
        let fits = match message["type"].as_str() {
            Some("user_joined") => there.insert(id(&message["data"])),
            Some("user_left") => there.remove(&id(&message["data"])),
            Some("chat") => true,
            _ => false,
        };
        assert!(fits, "{message} with {there:?}");
    }
    Ok(())
}
