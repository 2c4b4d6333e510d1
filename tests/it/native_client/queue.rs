//! What is sent while there is no connection, or while the server is slow.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use sockeye::{
    client::{Client, Event},
    prelude::*,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::{Message as Wire, protocol::CloseFrame};

use super::{
    stage::{Peer, stage},
    until,
};

/// More than is under way at most, on both sides: the socket takes one such message, and then nothing.
const LARGE: usize = 64 * 1024;
const LONG: Duration = Duration::from_secs(20);

fn dropped(event: &Event) -> Option<usize> {
    match event {
        Event::Dropped(count) => Some(*count),
        _ => None,
    }
}

#[sockeye::test(start_paused = true)]
async fn what_is_sent_without_a_connection_leaves_with_it_in_order() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client = builder.start()?;
    client.send_text("a").await?;
    client.send_json(&json!({ "b": 1 })).await?;
    client.send_bytes(&b"c"[..]).await?;
    client.sender().send(&Message::from("d")).await?;
    let mut peer = stage.accept().await;
    assert_eq!((peer.text().await, peer.text().await), ("a".to_owned(), r#"{"b":1}"#.to_owned()));
    assert_eq!(peer.receive().await.unwrap().into_data(), "c");
    assert_eq!(peer.text().await, "d");
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn the_oldest_make_room_and_that_is_told() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.queue(3, 10).start()?;
    for number in 0..10 {
        client.send_text(number.to_string()).await?;
    }
    assert_eq!(until(&mut client, "a loss", dropped).await, 7);
    // By bytes: two of three go.
    client.send_text("123456789").await?;
    assert_eq!(until(&mut client, "a loss", dropped).await, 2);
    let error = client.send_text("12345678901").await.unwrap_err();
    assert!(error.is_limit() && error.to_string().contains("at most 10 bytes, got one of 11"), "{error}");
    let mut peer = stage.accept().await;
    assert_eq!((peer.text().await, peer.text().await), ("9".to_owned(), "123456789".to_owned()));
    Ok(())
}

/// With a connection nothing is dropped: who sends waits. The wait can be dropped, and then nothing was sent.
#[sockeye::test(start_paused = true)]
async fn a_slow_server_makes_senders_wait() -> Result<()> {
    const EACH: usize = 500;
    let (builder, mut stage) = stage();
    let client: Client = builder.queue(2, 1 << 20).start()?;
    let mut peer = stage.accept().await;
    client.opened().await?;
    let text = "x".repeat(1024);
    let sending = async {
        let mut given_up = 0;
        for number in 0..EACH {
            let message = format!("{number} {text}");
            while timeout(Duration::from_millis(1), client.send_text(&message)).await.is_err() {
                given_up += 1;
            }
        }
        assert!(given_up > 0);
    };
    let receiving = async {
        for number in 0..EACH {
            sleep(Duration::from_millis(5)).await;
            assert_eq!(peer.text().await.split_once(' ').unwrap().0, number.to_string());
        }
    };
    tokio::join!(sending, receiving);
    Ok(())
}

/// What the socket did not take stays in the queue, and leaves with the next connection.
#[sockeye::test(start_paused = true)]
async fn a_message_behind_the_servers_close_frame_waits_for_the_next_connection() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let peer = stage.accept().await;
    until(&mut client, "a connection", |event| matches!(event, Event::State(state) if state.is_open()).then_some(()))
        .await;
    let closing = peer.close(1012, "restart");
    let sending = async {
        for number in 0..100 {
            client.send_text(number.to_string()).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::join!(closing, sending);
    let mut peer = stage.accept().await;
    let mut next: u32 = peer.text().await.parse()?;
    // The first were under way when the server closed.
    assert!(next < 5, "{next}");
    while next < 99 {
        next += 1;
        assert_eq!(peer.text().await, next.to_string());
    }
    Ok(())
}

/// Closes, and reads nothing.
async fn close_deaf(peer: &mut Peer) {
    // What was waiting to be sent is on its way, as far as it gets.
    sleep(Duration::from_secs(1)).await;
    let frame = CloseFrame { code: 1012.into(), reason: "restart".into() };
    peer.socket.send(Wire::Close(Some(frame))).await.expect("room for a close frame");
}

/// Whether the server closes or falls silent: what the full socket had no room for is neither lost nor doubled.
#[sockeye::test(start_paused = true)]
async fn what_a_full_socket_has_not_taken_leaves_with_the_next_connection_in_order() -> Result<()> {
    const COUNT: usize = 10;
    for closes in [true, false] {
        let (builder, mut stage) = stage();
        let client: Client = builder.heartbeat(Duration::from_secs(2), Duration::from_secs(2)).start()?;
        let text = "x".repeat(LARGE);
        for number in 0..COUNT {
            client.send_text(format!("{number} {text}")).await?;
        }
        let mut first = stage.accept().await;
        if closes {
            close_deaf(&mut first).await;
        }
        let mut second = stage.accept().await;
        for number in 1..COUNT {
            assert_eq!(second.text().await.split_once(' ').unwrap().0, number.to_string(), "closes: {closes}");
        }
        client.send_text("end").await?;
        assert_eq!(second.text().await, "end");
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_question_behind_a_full_socket_is_asked_on_the_next_connection() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client<Value, Value> = builder.start()?;
    client.send(&json!("x".repeat(LARGE))).await?;
    let question = json!({ "type": "sum" });
    let (answer, ()) = tokio::join!(client.request::<u32>(&question, LONG), async {
        let mut first = stage.accept().await;
        close_deaf(&mut first).await;
        let mut second = stage.accept().await;
        let question: Value = serde_json::from_str(&second.text().await).unwrap();
        assert_eq!(question["type"], "sum");
        second.send(&json!({ "type": "reply", "id": question["id"], "data": 7 }).to_string()).await;
    });
    assert_eq!(answer?, 7);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn an_end_behind_a_full_socket_tells_what_was_not_sent() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client = builder.start()?;
    client.send_bytes(vec![0; LARGE]).await?;
    client.send_text("a").await?;
    let _deaf = stage.accept().await;
    sleep(Duration::from_secs(1)).await;
    let error = client.close(1000).await.unwrap_err();
    assert!(error.is_offline() && error.to_string().starts_with("1 messages were not sent"), "{error}");
    Ok(())
}
