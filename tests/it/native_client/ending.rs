//! How a client ends, and what it does not come back from.

use std::time::Duration;

use sockeye::{
    Error,
    client::{Cause, Client, Event, State},
    prelude::*,
    time::{Instant, sleep},
};
use tokio_tungstenite::tungstenite::Message as Wire;

use super::stage::{Stage, stage};

/// The events up to the end.
async fn rest(client: &mut Client) -> Vec<String> {
    let mut events = Vec::new();
    while let Some(event) = client.next().await {
        events.push(match event.unwrap() {
            Event::Message(message) => message.into_text().unwrap().to_string(),
            Event::State(state) => state.to_string(),
            other => format!("{other:?}"),
        });
    }
    events
}

async fn comes_back(client: &Client, stage: &mut Stage) -> bool {
    loop {
        match client.state() {
            State::Closed(_) => return false,
            State::Waiting { .. } | State::Connecting { .. } => {
                sleep(Duration::from_secs(31)).await;
                return stage.is_asked();
            }
            _ => sleep(Duration::from_millis(1)).await,
        }
    }
}

#[sockeye::test(start_paused = true)]
async fn some_close_codes_are_final() -> Result<()> {
    for (code, is_final) in [
        (1000, false),
        (1001, false),
        (1002, false),
        (1008, true),
        (1009, false),
        (1011, false),
        (1012, false),
        (1013, false),
        (3000, false),
        (3999, false),
        (4000, true),
        (4999, true),
    ] {
        let (builder, mut stage) = stage();
        let mut client: Client = builder.start()?;
        let mut peer = stage.accept().await;
        peer.send("before").await;
        peer.close(code, "why").await;
        assert_eq!(comes_back(&client, &mut stage).await, !is_final, "{code}");
        if is_final {
            let events = rest(&mut client).await;
            assert_eq!(events[events.len() - 2], "before");
            let last = events.last().unwrap();
            assert!(last.starts_with(&format!("closed: the server has closed the connection: {code}")), "{last}");
            let error = client.receive().await.unwrap_err();
            assert!(error.is_offline() && !error.is_disconnect());
            let cause = error.downcast_ref::<Cause>().unwrap();
            assert_eq!(cause.close_frame().unwrap().reason, "why");
            assert_eq!(client.send_text("x").await.unwrap_err().to_string(), cause.to_string());
            assert!(client.opened().await.unwrap_err().is_offline());
        }
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn some_statuses_are_final() -> Result<()> {
    for (status, is_final) in [
        (200, false),
        (302, false),
        (400, true),
        (401, true),
        (403, true),
        (404, true),
        (408, false),
        (425, false),
        (426, true),
        (429, false),
        (451, true),
        (500, false),
        (503, false),
    ] {
        let (builder, mut stage) = stage();
        let client: Client = builder.start()?;
        stage.refuse(status, "", "because").await;
        assert_eq!(comes_back(&client, &mut stage).await, !is_final, "{status}");
    }
    Ok(())
}

/// The app knows better: a normal close is the end, a refusal is not, and three attempts are enough.
#[sockeye::test(start_paused = true)]
async fn an_app_may_decide_itself() -> Result<()> {
    let (builder, mut stage) = stage();
    let retry = |cause: &Cause| cause.close_frame().is_none_or(|frame| frame.code != 1000);
    let mut client: Client = builder.retry(retry).attempts(3).start()?;
    stage.refuse(401, "", "").await;
    stage.refuse(404, "", "").await;
    let peer = stage.accept().await;
    drop(peer);
    stage.refuse(401, "", "").await;
    stage.refuse(401, "", "").await;
    stage.accept().await.close(1000, "").await;
    assert!(rest(&mut client).await.last().unwrap().contains("1000"));

    let (builder, mut stage) = super::stage::stage();
    let mut client: Client = builder.attempts(3).start()?;
    for _ in 0..3 {
        stage.refuse(503, "", "").await;
    }
    assert!(rest(&mut client).await.last().unwrap().ends_with("503 Service Unavailable"));
    Ok(())
}

/// Before it was open once, `connect` makes one attempt; afterwards it is like any other client.
#[sockeye::test(start_paused = true)]
async fn connect_makes_one_attempt() -> Result<()> {
    let (builder, mut stage) = stage::<Message, Message>();
    let (connected, ()) = tokio::join!(builder.connect(), stage.refuse(503, "", "later"));
    let error = connected.unwrap_err();
    assert_eq!(error.to_string(), "the server refused: 503 Service Unavailable: later");
    assert!(
        error.is_offline() && matches!(error.downcast_ref(), Some(Cause::Refused { status, .. }) if *status == 503)
    );

    let (builder, mut stage) = super::stage::stage::<Message, Message>();
    let (connected, peer) = tokio::join!(builder.connect(), stage.accept());
    let client = connected?;
    drop(peer);
    assert!(comes_back(&client, &mut stage).await);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn close_sends_what_waits_and_says_goodbye() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let mut peer = stage.accept().await;
    client.opened().await?;
    for number in 0..100 {
        client.send_text(number.to_string()).await?;
    }
    assert_eq!(client.close(1005).await.unwrap_err().kind(), sockeye::ErrorKind::InvalidClose);
    let sender = client.sender();
    let (closed, ()) = tokio::join!(sender.close_with(4001, "é".repeat(100)), async {
        for number in 0..100 {
            assert_eq!(peer.text().await, number.to_string());
        }
        peer.send("last").await;
        let Some(Wire::Close(Some(frame))) = peer.receive().await else { panic!("expected a close frame") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4001, &*"é".repeat(61)));
        assert!(client.send_text("late").await.unwrap_err().is_offline());
        assert_eq!(peer.receive().await, None);
    });
    closed?;
    let events = rest(&mut client).await;
    assert_eq!(events[events.len() - 2..], ["last", "closed: the client was closed"]);
    Ok(())
}

/// The server neither reads nor answers.
#[sockeye::test(start_paused = true)]
async fn close_has_a_limit_of_time() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client = builder.start()?;
    let _stuck = stage.accept().await;
    client.opened().await?;
    for _ in 0..64 {
        client.send_text("x".repeat(4096)).await?;
    }
    let before = Instant::now();
    let error = client.close(1000).await.unwrap_err();
    assert_eq!(before.elapsed().as_secs(), 5);
    assert!(error.is_offline() && error.to_string().contains("messages were not sent"), "{error}");

    // It reads, and does not answer.
    let (builder, mut stage) = super::stage::stage();
    let client: Client = builder.close_timeout(Duration::from_secs(2)).start()?;
    let _silent = stage.accept().await;
    client.opened().await?;
    let before = Instant::now();
    client.close(1000).await?;
    assert_eq!(before.elapsed().as_secs(), 2);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn close_without_a_connection_ends_at_once() -> Result<()> {
    for is_waiting in [true, false] {
        let (builder, mut stage) = stage();
        let client: Client = builder.start()?;
        let _hangs = stage.stream().await;
        if is_waiting {
            drop(_hangs);
            stage.leave();
            while client.state().cause().is_none() {
                sleep(Duration::from_millis(1)).await;
            }
        }
        client.send_text("x").await?;
        let before = Instant::now();
        let error = client.close(1000).await.unwrap_err();
        assert!(error.to_string().contains("1 messages were not sent"), "{error}");
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(client.closed().await, Cause::Asked);
    }
    Ok(())
}

/// Wherever it is dropped, no task is left.
#[sockeye::test(start_paused = true)]
async fn dropped_it_leaves_nothing() -> Result<()> {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (builder, mut stage) = stage();
    let client: Client = builder.start()?;
    let sender = client.sender();
    let mut peer = stage.accept().await;
    client.opened().await?;
    client.send_text("last").await?;
    drop(client);
    assert_eq!(peer.text().await, "last");
    let Some(Wire::Close(Some(frame))) = peer.receive().await else { panic!("expected a close frame") };
    assert_eq!(u16::from(frame.code), 1001);
    assert_eq!(peer.receive().await, None);
    assert_eq!(sender.closed().await, Cause::Asked);
    assert!(sender.send_text("x").await.unwrap_err().is_offline());
    sleep(Duration::from_millis(1)).await;
    assert_eq!(tasks(), before);

    // With a server that does not read, with an inbox that is full, while connecting, and while waiting.
    let (builder, mut stage) = super::stage::stage();
    let client: Client = builder.inbox(1).start()?;
    let mut stuck = stage.accept().await;
    client.opened().await?;
    for _ in 0..64 {
        client.send_text("x".repeat(4096)).await?;
    }
    for _ in 0..3 {
        stuck.send("x").await;
    }
    drop(client);
    let (builder, mut connecting) = super::stage::stage::<Message, Message>();
    let client = builder.start()?;
    let _hangs = connecting.stream().await;
    drop(client);
    let (builder, mut away) = super::stage::stage::<Message, Message>();
    away.leave();
    let client = builder.start()?;
    while client.state().cause().is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    drop(client);
    // As long as an end may take.
    sleep(Duration::from_secs(6)).await;
    assert_eq!(tasks(), before);
    Ok(())
}

/// Dropped half way, `connect` leaves nothing either.
#[sockeye::test(start_paused = true)]
async fn a_connect_can_be_dropped() -> Result<()> {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let (builder, mut stage) = stage::<Message, Message>();
    let connecting = sockeye::time::timeout(Duration::from_secs(1), builder.connect());
    let (connected, mut stream) = tokio::join!(connecting, stage.stream());
    assert!(connected.is_err());
    let mut left = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut left).await?;
    assert_eq!(tasks(), before);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_message_that_is_too_large_is_the_end() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.max_message(1000).start()?;
    let mut peer = stage.accept().await;
    peer.send(&"x".repeat(1000)).await;
    peer.send(&"x".repeat(1001)).await;
    assert_eq!(client.receive().await?.len(), 1000);
    let Some(Wire::Close(Some(frame))) = peer.receive().await else { panic!("expected a close frame") };
    assert_eq!(u16::from(frame.code), 1009);
    let last = rest(&mut client).await.pop().unwrap();
    assert!(last.contains("at most 1000 bytes, got one of 1001"), "{last}");
    Ok(())
}

/// A server that breaks the protocol is left, and tried again.
#[sockeye::test(start_paused = true)]
async fn broken_frames_are_a_loss() -> Result<()> {
    let (builder, mut stage) = stage();
    let client: Client = builder.start()?;
    for broken in
        [&[0xf1, 0x00][..], &[0x83, 0x00], &[0x81, 0x01, 0xff], &[0x81, 0x81, 0, 0, 0, 0, b'x'], &[0x80, 0x00]]
    {
        let mut peer = stage.accept().await;
        client.opened().await?;
        tokio::io::AsyncWriteExt::write_all(peer.socket.get_mut(), broken).await?;
        assert_eq!(peer.receive().await, None, "{broken:x?}");
    }
    stage.accept().await;
    Ok(())
}

/// What is not of the client's type is told, and no more than that.
#[sockeye::test(start_paused = true)]
async fn an_invalid_message_is_no_end() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client<u32> = builder.start()?;
    let mut peer = stage.accept().await;
    peer.send("x").await;
    futures_util::SinkExt::send(&mut peer.socket, Wire::binary("1")).await?;
    peer.send("1").await;
    let (first, second) = (client.receive().await.unwrap_err(), client.receive().await.unwrap_err());
    assert!(first.is_invalid_message() && second.is_invalid_message(), "{first}, {second}");
    assert_eq!(client.receive().await?, 1);
    Ok(())
}

/// A panic in a function of the app's ends the client, and nobody waits in vain.
#[sockeye::test(start_paused = true)]
async fn a_panic_is_an_end_that_is_told() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.retry(|_| panic!("told to")).start()?;
    let sender = client.sender();
    let asking = tokio::spawn(async move {
        sender.request::<u32>(&Message::from(r#"{"type":"x"}"#), Duration::from_secs(3600)).await
    });
    let mut peer = stage.accept().await;
    peer.text().await;
    drop(peer);
    assert!(rest(&mut client).await.last().unwrap().contains("by a panic"));
    assert!(asking.await?.unwrap_err().is_offline());
    Ok(())
}

#[sockeye::test]
async fn bad_settings_are_refused_at_once() -> Result<()> {
    let good = || Client::<Message, Message>::builder("ws://127.0.0.1:1/");
    for (builder, expected) in [
        (Client::builder("127.0.0.1:8000"), "does not begin with `ws://`"),
        (Client::builder("ws://a/#b"), "a fragment"),
        (good().header("no good", "x"), "expected a header line"),
        (good().header("x", "a\nb"), "(`x`)"),
        (good().header("sec-websocket-key", "x"), "which the handshake sets itself"),
        (good().header("host", "x"), "which the handshake sets itself"),
        (good().subprotocol("a, b"), "expected a subprotocol"),
        (good().subprotocol(""), "expected a subprotocol"),
    ] {
        let error = builder.start().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let shown = format!("{:?}", Client::<Message>::builder("ws://a/?token=secret"));
    assert!(!shown.contains("secret"), "{shown}");
    let error: Error = good().start()?.close(4).await.unwrap_err();
    assert!(error.to_string().contains("close code 4"), "{error}");
    Ok(())
}
