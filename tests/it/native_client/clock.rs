//! Attempts, waits, time-outs and heartbeats, with a clock that stands still.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sockeye::{
    Error,
    client::{Cause, Client, Event, State},
    prelude::*,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message as Wire;

use super::{stage::stage, until};

fn waiting(event: &Event) -> Option<(Duration, Cause)> {
    match event {
        Event::State(State::Waiting { delay, cause, .. }) => Some((*delay, cause.clone())),
        _ => None,
    }
}

fn open(event: &Event) -> Option<()> {
    matches!(event, Event::State(State::Open { .. })).then_some(())
}

#[sockeye::test(start_paused = true)]
async fn waits_are_random_below_a_bound_that_doubles() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let mut bound = Duration::from_millis(250);
    let mut before = (Instant::now(), Duration::ZERO);
    for attempt in 1..=12 {
        let Some(Ok(Event::State(State::Connecting { attempt: told, .. }))) = client.next().await else {
            panic!("expected an attempt");
        };
        assert_eq!(told, attempt);
        let (since, delay) = before;
        // The clock counts milliseconds.
        assert!((delay..=delay + Duration::from_millis(2)).contains(&since.elapsed()), "{:?}", since.elapsed());
        stage.refuse(503, "", "").await;
        let Some(Ok(Event::State(State::Waiting { delay, cause, .. }))) = client.next().await else {
            panic!("expected a wait");
        };
        assert!(delay <= bound, "{delay:?} before attempt {attempt}");
        assert_eq!(cause.to_string(), "the server refused: 503 Service Unavailable");
        before = (Instant::now(), delay);
        bound = (2 * bound).min(Duration::from_secs(30));
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_server_that_is_not_there_is_named() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    stage.leave();
    let (_, cause) = until(&mut client, "a wait", waiting).await;
    assert_eq!(cause, Cause::Lost("can't connect to stage:80: connection refused".into()));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_connection_that_lasts_starts_the_bounds_anew() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    for (lasts, next) in [(4900, 2), (4900, 3), (5000, 2), (0, 3)] {
        let peer = stage.accept().await;
        until(&mut client, "a connection", open).await;
        sleep(Duration::from_millis(lasts)).await;
        drop(peer);
        until(&mut client, "a loss", waiting).await;
        let attempt = until(&mut client, "an attempt", |event| match event {
            Event::State(State::Connecting { attempt, .. }) => Some(*attempt),
            _ => None,
        });
        assert_eq!(attempt.await, next, "after {lasts} ms");
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_wait_can_be_ended() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    stage.refuse(503, "retry-after: 120\r\n", "").await;
    let (delay, _) = until(&mut client, "a wait", waiting).await;
    assert_eq!(delay, Duration::from_secs(120));
    let before = Instant::now();
    client.reconnect();
    let _peer = stage.accept().await;
    until(&mut client, "a connection", open).await;
    assert!(before.elapsed() < Duration::from_secs(1));
    // Without a wait it does nothing.
    client.reconnect();
    sleep(Duration::from_secs(1)).await;
    assert!(client.state().is_open());
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_server_may_ask_for_more_time_but_not_for_any() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    for (line, least, most) in [
        ("retry-after: 40\r\n", 40, 40),
        ("retry-after: 99999999999999\r\n", 300, 300),
        ("retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 0, 30),
        ("retry-after: -5\r\n", 0, 30),
    ] {
        stage.refuse(429, line, "slow down").await;
        let (delay, cause) = until(&mut client, "a wait", waiting).await;
        assert!((least..=most).contains(&delay.as_secs()), "{line}: {delay:?}");
        assert_eq!(cause.to_string(), "the server refused: 429 Too Many Requests: slow down");
        client.reconnect();
    }
    Ok(())
}

/// Nothing is heard of the attempt: neither an answer nor an end.
#[sockeye::test(start_paused = true)]
async fn an_attempt_has_ten_seconds() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let before = Instant::now();
    let _silent = stage.stream().await;
    let (_, cause) = until(&mut client, "the end of the attempt", waiting).await;
    assert_eq!(cause.to_string(), "no connection within 10s");
    assert_eq!(before.elapsed().as_secs(), 10);
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_silent_server_is_pinged_and_then_given_up() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let mut peer = stage.accept().await;
    until(&mut client, "a connection", open).await;
    let begin = Instant::now();
    assert_eq!(peer.receive().await, Some(Wire::Ping(Default::default())));
    assert_eq!(begin.elapsed().as_secs(), 25);
    // Whatever comes is life: the pong, a message, a ping of the server's.
    for life in [Wire::Pong(Default::default()), Wire::text("x"), Wire::Ping(Default::default())] {
        sleep(Duration::from_secs(9)).await;
        let before = Instant::now();
        futures_util::SinkExt::send(&mut peer.socket, life).await?;
        while !matches!(peer.receive().await, Some(Wire::Ping(_))) {}
        assert_eq!(before.elapsed().as_secs(), 25);
    }
    let before = Instant::now();
    // It does not read any more: a codec would answer the ping.
    let (_, cause) = until_long(&mut client).await;
    assert_eq!((cause, before.elapsed().as_secs()), (Cause::Silent, 10));
    Ok(())
}

async fn until_long(client: &mut Client) -> (Duration, Cause) {
    loop {
        if let Some(found) = client.next().await.and_then(|event| waiting(&event.unwrap())) {
            return found;
        }
    }
}

/// While nobody takes what has come, nothing is read: that is not the server's silence.
#[sockeye::test(start_paused = true)]
async fn an_app_that_is_busy_does_not_find_the_server_silent() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.inbox(1).start()?;
    let mut peer = stage.accept().await;
    until(&mut client, "a connection", open).await;
    for _ in 0..5 {
        peer.send("x").await;
    }
    sleep(Duration::from_secs(3600)).await;
    for _ in 0..5 {
        assert_eq!(client.receive().await?, Message::from("x"));
    }
    assert!(client.state().is_open());
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn values_of_the_query_are_fresh_at_each_attempt() -> Result<()> {
    let (builder, mut stage) = stage();
    let count = Arc::new(AtomicU32::new(0));
    let token = move || {
        let number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(Duration::from_secs(1)).await;
            match number {
                1 => Err(Error::other("the login is down")),
                number => Ok(vec![("token".to_owned(), format!("{number}&c"))]),
            }
        }
    };
    let builder = builder.query("name", "ann").query_with(token).header("x-team", "tea");
    let mut client: Client = builder.subprotocol("chat.v2").subprotocol("chat.v1").start()?;
    let peer = stage.accept().await;
    assert_eq!(peer.uri, "/x?a=b&name=ann&token=0%26c");
    assert_eq!((&peer.headers["x-team"], &peer.headers["host"]), (&"tea".parse()?, &"stage".parse()?));
    let protocol = |event: &Event| match event {
        Event::State(State::Open { subprotocol, .. }) => Some(subprotocol.clone()),
        _ => None,
    };
    assert_eq!(until(&mut client, "a connection", protocol).await.as_deref(), Some("chat.v1"));
    drop(peer);
    until(&mut client, "a loss", waiting).await;
    let (_, cause) = until(&mut client, "a failed attempt", waiting).await;
    assert_eq!(cause.to_string(), "no values for the query: the login is down");
    assert_eq!(stage.accept().await.uri, "/x?a=b&name=ann&token=2%26c");
    Ok(())
}

/// `next` in a `select!` that takes another branch, again and again.
#[sockeye::test(start_paused = true)]
async fn a_wait_for_events_can_be_dropped() -> Result<()> {
    let (builder, mut stage) = stage();
    let mut client: Client = builder.start()?;
    let mut peer = stage.accept().await;
    let sending = async {
        for number in 0..100 {
            sleep(Duration::from_millis(3)).await;
            peer.send(&number.to_string()).await;
        }
    };
    let receiving = async {
        let mut next = 0;
        while next < 100 {
            match timeout(Duration::from_millis(2), client.receive()).await {
                Ok(message) => {
                    assert_eq!(message.unwrap(), Message::from(next.to_string()));
                    next += 1;
                }
                Err(_elapsed) => {}
            }
        }
    };
    tokio::join!(sending, receiving);
    Ok(())
}
