//! Who hears what.

use std::time::Duration;

use sockeye::{Result, spawn};
use time::{Date, Month, OffsetDateTime, Time};

use super::{client, guest, number, receive, say};

#[sockeye::test]
async fn chats_and_notifications_go_to_all_the_sender_too() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let mut bob = guest(&client, "Bob", "2").await?;
    receive(&mut ann, "user_joined").await?;
    for (kind, content) in [("chat", "hello"), ("notification", "¡Atención! 🐟"), ("chat", ""), ("chat", "<b>\0\n\"")]
    {
        say(&mut bob, kind, content).await?;
        let (to_ann, to_bob) = (receive(&mut ann, kind).await?, receive(&mut bob, kind).await?);
        assert_eq!(to_ann, to_bob);
        assert_eq!((&to_ann["content"], &to_ann["from"]), (&content.into(), &"Bob".into()));
    }
    Ok(())
}

#[sockeye::test]
async fn heartbeats_are_answered_to_their_sender_alone() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let mut bob = guest(&client, "Bob", "2").await?;
    receive(&mut ann, "user_joined").await?;
    say(&mut bob, "heartbeat", "tick").await?;
    assert_eq!(receive(&mut bob, "heartbeat").await?["content"], "tick");
    bob.send_text(r#"{"type":"heartbeat"}"#).await?;
    assert_eq!(receive(&mut bob, "heartbeat").await?["content"], "");
    say(&mut bob, "chat", "done").await?;
    // Nothing came before.
    assert_eq!(receive(&mut ann, "chat").await?["content"], "done");
    Ok(())
}

#[sockeye::test]
async fn ids_hold_the_second_and_count_up() -> Result<()> {
    let client = client();
    let mut ann = guest(&client, "Ann", "1").await?;
    let (mut last, before) = (0, OffsetDateTime::now_utc().unix_timestamp());
    for _ in 0..20 {
        say(&mut ann, "chat", "x").await?;
        let message = receive(&mut ann, "chat").await?;
        assert!(number(&message) > last, "{message} after {last}");
        last = number(&message);
        let timestamp = message["timestamp"].as_i64().expect("a number of seconds");
        assert!((before..=before + 60).contains(&timestamp), "{message}");
        assert_eq!(seconds_of(&message["id"].as_str().unwrap_or_default()[..14]), timestamp);
    }
    Ok(())
}

/// `YYYYMMDDHHMMSS` as a timestamp.
fn seconds_of(stamp: &str) -> i64 {
    let part = |from, to| stamp[from..to].parse::<u8>().expect("two digits");
    let month = Month::try_from(part(4, 6)).expect("a month");
    let date = Date::from_calendar_date(stamp[..4].parse().expect("a year"), month, part(6, 8)).expect("a date");
    let time = Time::from_hms(part(8, 10), part(10, 12), part(12, 14)).expect("a time");
    date.with_time(time).assume_utc().unix_timestamp()
}

#[sockeye::test]
async fn all_hear_one_order() -> Result<()> {
    let client = client();
    let mut listeners = [guest(&client, "a", "1").await?, guest(&client, "b", "2").await?];
    receive(&mut listeners[0], "user_joined").await?;
    let mut talkers = Vec::new();
    for name in ["c", "d", "e"] {
        let talker = guest(&client, name, name).await?;
        for listener in &mut listeners {
            receive(listener, "user_joined").await?;
        }
        talkers.push(talker);
    }
    let talking = talkers.into_iter().map(|mut talker| {
        spawn(async move {
            for at in 0..50 {
                say(&mut talker, "chat", &at.to_string()).await?;
            }
            // What comes to it all the while is not read.
            Ok::<_, sockeye::Error>(talker)
        })
    });
    let talking: Vec<_> = talking.collect();
    let mut heard = [Vec::new(), Vec::new()];
    for (listener, heard) in listeners.iter_mut().zip(&mut heard) {
        for _ in 0..150 {
            heard.push(receive(listener, "chat").await?);
        }
    }
    assert_eq!(heard[0], heard[1]);
    for name in ["c", "d", "e"] {
        let of = heard[0].iter().filter(|message| message["from"] == name).map(|message| &message["content"]);
        assert!(of.eq((0..50).map(|at| at.to_string()).collect::<Vec<_>>().iter()), "{name}");
    }
    let mut numbers: Vec<_> = heard[0].iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 150, "an id came twice");
    for talker in talking {
        drop(talker.await??);
    }
    Ok(())
}

#[sockeye::test]
async fn the_numbers_are_right() -> Result<()> {
    let client = client();
    let stats = async || Ok::<serde_json::Value, sockeye::Error>(client.get("/ws/stats").await?.json());
    let expect = |numbers: [u64; 5]| {
        serde_json::json!({
            "total_connections": numbers[0], "current_connections": numbers[1], "messages_sent": numbers[2],
            "messages_received": numbers[3], "active_users": numbers[4],
        })
    };
    assert_eq!(stats().await?, expect([0, 0, 0, 0, 0]));
    let mut ann = guest(&client, "Ann", "1").await?;
    let mut tab = guest(&client, "Ann", "1").await?;
    let mut bob = guest(&client, "Bob", "2").await?;
    for ann in [&mut ann, &mut tab] {
        receive(ann, "user_joined").await?;
    }
    // Three lists, three welcomes, and Bob is announced to Ann twice.
    assert_eq!(stats().await?, expect([3, 3, 8, 0, 2]));
    say(&mut bob, "chat", "x").await?;
    for each in [&mut ann, &mut tab, &mut bob] {
        receive(each, "chat").await?;
    }
    say(&mut bob, "nonsense", "x").await?;
    receive(&mut bob, "error").await?;
    assert_eq!(stats().await?, expect([3, 3, 12, 2, 2]));
    tab.close(1000).await?;
    ann.close(1000).await?;
    receive(&mut bob, "user_left").await?;
    while stats().await?["current_connections"] != 1 {
        sockeye::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(stats().await?, expect([3, 1, 13, 2, 1]));
    Ok(())
}
