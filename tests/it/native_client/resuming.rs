//! Going on where it was: what the server is asked for, and what comes twice.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::Deserialize;
use serde_json::{Value, json};
use sockeye::{
    MemoryHistory, Offset, Retention, RoomOptions,
    client::{Client, Event, State},
    prelude::*,
    time::{Duration, sleep},
};
use sockeye_tests::proxy::Proxy;
use tokio::net::TcpListener;

use super::{
    stage::{Peer, stage},
    until,
};
use crate::{robustness::raw::soon, rooms::until as members};

async fn send_offsets(peer: &mut Peer, offsets: &[u64]) {
    for offset in offsets {
        peer.send(&json!({ "offset": offset }).to_string()).await;
    }
}

async fn expect_offsets(client: &mut Client<Value>, offsets: &[u64]) {
    for offset in offsets {
        assert_eq!(soon("a message", client.receive()).await.unwrap()["offset"], *offset);
    }
}

#[sockeye::test(start_paused = true)]
async fn it_asks_for_what_it_has_not_taken() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value> = builder.start()?;
    let mut peer = stage.accept().await;
    assert_eq!((&peer.uri, client.offset()), (&"/x?a=b".parse()?, None));
    peer.send(r#"{"data":{"offset":7}}"#).await;
    client.receive().await?;
    assert_eq!(client.offset(), Some(Offset::new(7)));
    send_offsets(&mut peer, &[8, 9]).await;
    expect_offsets(&mut client, &[8]).await;
    drop(peer);
    // 9 has come but was not taken: the server gives it again, and it is shown once.
    let mut peer = stage.accept().await;
    assert_eq!(peer.uri, "/x?a=b&since=8");
    send_offsets(&mut peer, &[9, 10, 10, 3, 11]).await;
    expect_offsets(&mut client, &[9, 10, 11]).await;
    drop(peer);
    assert_eq!(stage.accept().await.uri, "/x?a=b&since=11");
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn what_was_open_says_since_when() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value> = builder.since(0).start()?;
    assert_eq!(client.offset(), Some(Offset::START));
    let mut peer = stage.accept().await;
    assert_eq!(peer.uri, "/x?a=b&since=0");
    let since = |event: &Event<Value>| match event {
        Event::State(State::Open { since, .. }) => Some(*since),
        _ => None,
    };
    assert_eq!(until(&mut client, "a connection", since).await, Some(Offset::START));
    send_offsets(&mut peer, &[0, 1]).await;
    expect_offsets(&mut client, &[1]).await;
    Ok(())
}

/// The server's history has begun anew, or does not go back that far.
#[sockeye::test(start_paused = true)]
async fn after_a_gap_any_offset_is_new() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Value> = builder.since(100).start()?;
    let mut peer = stage.accept().await;
    send_offsets(&mut peer, &[100, 99]).await;
    peer.send(r#"{"recovered":false}"#).await;
    send_offsets(&mut peer, &[1, 1, 2]).await;
    assert_eq!(client.receive().await?, json!({ "recovered": false }));
    expect_offsets(&mut client, &[1, 2]).await;
    peer.send(r#"{"type":"history","data":{"recovered":false,"offset":1}}"#).await;
    assert_eq!(client.receive().await?["type"], "history");
    peer.send(r#"{"recovered":false}"#).await;
    client.receive().await?;
    drop(peer);
    // What was said on another connection counts no more.
    let mut peer = stage.accept().await;
    assert_eq!(peer.uri, "/x?a=b&since=1");
    send_offsets(&mut peer, &[1, 2]).await;
    expect_offsets(&mut client, &[2]).await;
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
enum Said {
    Message { id: Offset },
    History { messages: Vec<Offset> },
    Pong,
}

fn place(said: &Said) -> Option<Offset> {
    match said {
        Said::Message { id } => Some(*id),
        Said::History { messages } => Some(messages.last().copied().unwrap_or(Offset::START)),
        Said::Pong => None,
    }
}

#[sockeye::test(start_paused = true)]
async fn an_app_may_say_where_the_offset_is() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Said> = builder.offset(place).start()?;
    let mut peer = stage.accept().await;
    for text in [
        r#"{"type":"history","data":{"messages":[3,4]}}"#,
        r#"{"type":"message","data":{"id":4}}"#,
        r#"{"type":"pong","offset":1000}"#,
        r#"{"type":"message","data":{"id":5}}"#,
    ] {
        peer.send(text).await;
    }
    assert!(matches!(client.receive().await?, Said::History { .. }));
    assert!(matches!(client.receive().await?, Said::Pong));
    assert!(matches!(client.receive().await?, Said::Message { id } if id.get() == 5));
    drop(peer);
    assert_eq!(stage.accept().await.uri, "/x?a=b&since=5");

    let (builder, mut stage) = super::stage::stage();
    let mut client: Client<Value> = builder.no_resume().start()?;
    let mut peer = stage.accept().await;
    send_offsets(&mut peer, &[2, 1, 1]).await;
    expect_offsets(&mut client, &[2, 1, 1]).await;
    drop(peer);
    assert_eq!(stage.accept().await.uri, "/x?a=b");
    Ok(())
}

/// Who came when nothing was stored misses nothing of what is stored then, and gets each page that is empty.
#[sockeye::test(start_paused = true)]
async fn an_empty_history_is_a_place_to_go_on_from() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<Said> = builder.offset(place).start()?;
    for (since, messages, expected) in [("", "", 0), ("&since=0", "", 0), ("&since=0", "1,2", 2), ("&since=2", "", 2)] {
        let mut peer = stage.accept().await;
        assert_eq!(peer.uri, *format!("/x?a=b{since}"));
        peer.send(&format!(r#"{{"type":"history","data":{{"messages":[{messages}]}}}}"#)).await;
        assert!(matches!(soon("a page", client.receive()).await?, Said::History { .. }));
        assert_eq!(client.offset(), Some(Offset::new(expected)));
    }
    assert_eq!(stage.accept().await.uri, "/x?a=b&since=2");
    Ok(())
}

/// What can't be read has a place nevertheless, and does not come for ever.
#[sockeye::test(start_paused = true)]
async fn a_message_of_another_type_is_not_asked_for_again() -> Result<()> {
    #[derive(Debug, Deserialize)]
    struct Numbered {
        #[serde(rename = "offset")]
        _offset: u8,
    }
    let (builder, mut stage) = stage();
    let mut client: Client<Numbered> = builder.start()?;
    let mut peer = stage.accept().await;
    send_offsets(&mut peer, &[1000]).await;
    assert!(client.receive().await.unwrap_err().is_invalid_message());
    drop(peer);
    assert_eq!(stage.accept().await.uri, "/x?a=b&since=1000");
    Ok(())
}

#[websocket("/room")]
async fn room(ws: WebSocket, since: Option<u64>, hub: Hub) -> Result<()> {
    let _resumed = hub.room("a").join_since(&ws, since.unwrap_or(0)).await?;
    ws.closed().await;
    Ok(())
}

/// Four publish as fast as they can, and all the while connections are cut and the server is restarted.
#[sockeye::test(flavor = "multi_thread")]
async fn no_gap_and_no_duplicate_while_everything_breaks() -> Result<()> {
    const EACH: u64 = 1500;
    const CLIENTS: usize = 8;
    let history = Arc::new(MemoryHistory::with(Retention::all()));
    let rooms = || RoomOptions::new().render(|stored| json!({ "offset": stored.offset }));
    let app = || App::new().history(history.clone()).rooms(rooms()).route(room);
    let mut current = app();
    let mut hub = current.hub();
    let mut server = current.serve(TcpListener::bind("127.0.0.1:0").await?);
    let address = server.local_addr();
    let proxy = Arc::new(Proxy::start(address.port(), 1).await?);

    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..CLIENTS {
        let url = format!("ws://127.0.0.1:{}/room", proxy.port());
        let is_over = is_over.clone();
        readers.push(tokio::spawn(async move {
            let mut client: Client<Value> = Client::builder(url).start().unwrap();
            let (mut next, mut connections) = (1, 0);
            while next <= 4 * EACH || !is_over.load(Ordering::Relaxed) {
                let event = match sockeye::time::timeout(Duration::from_millis(50), client.next()).await {
                    Ok(event) => event.unwrap().unwrap(),
                    Err(_elapsed) => continue,
                };
                match event {
                    Event::Message(message) => {
                        assert_eq!(message["offset"], next);
                        next += 1;
                    }
                    Event::State(State::Open { .. }) => connections += 1,
                    Event::State(State::Waiting { .. }) => client.reconnect(),
                    _ => {}
                }
            }
            connections
        }));
    }

    let publish = |hub: Hub, from: u64, to: u64| {
        let publishers: Vec<_> = (0..4)
            .map(|_| {
                let room = hub.room("a");
                tokio::spawn(async move {
                    for number in from..to {
                        room.publish(&number).await.unwrap();
                    }
                })
            })
            .collect();
        async move {
            for publisher in publishers {
                publisher.await.unwrap();
            }
        }
    };
    const PARTS: u64 = 3;
    for part in 0..PARTS {
        let room = hub.room("a");
        members("all clients", || room.len() == CLIENTS).await;
        let publishing = publish(hub.clone(), part * EACH / PARTS, (part + 1) * EACH / PARTS);
        let cutting = async {
            for _ in 0..5 {
                sleep(Duration::from_millis(20)).await;
                proxy.cut();
            }
        };
        tokio::join!(publishing, cutting);
        if part + 1 < PARTS {
            server.shutdown(Duration::from_secs(5)).await?;
            current = app();
            hub = current.hub();
            server = current.serve(TcpListener::bind(address).await?);
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let mut connections = 0;
    for reader in readers {
        connections += soon("all messages", reader).await?;
    }
    // Those that were seen: of several that nobody looked at in between only the last is told.
    assert!(connections > CLIENTS, "{connections} connections");
    Ok(())
}
