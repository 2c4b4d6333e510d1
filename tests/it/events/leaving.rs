//! The client leaves, and the producer notices at once: nothing here is ever sent that could fail.

use std::{future::pending, time::Duration};

use futures_util::{StreamExt, stream};
use sockeye::{EventStream, prelude::*};
use tokio::sync::mpsc;

use crate::robustness::raw::{Raw, soon};

type Said = mpsc::UnboundedSender<&'static str>;

/// Says so when it is dropped.
struct Held(Said);

impl Drop for Held {
    fn drop(&mut self) {
        // The test may be over.
        let _heard_or_not = self.0.send("dropped");
    }
}

#[get("/pending")]
async fn waits(said: State<Said>) -> Sse {
    let held = Held(Said::clone(&said));
    let events = stream::once(async { "first" }).chain(stream::once(async move {
        let _held = held;
        pending().await
    }));
    Sse::new(Box::pin(events)).keep_alive(None)
}

#[get("/pushed")]
async fn pushed(said: State<Said>) -> Sse {
    let events = EventStream::new();
    let (sender, said) = (events.sender(), Said::clone(&said));
    let closed = said.clone();
    events.on_closed(async move { closed.send("on_closed").unwrap() });
    sockeye::spawn(async move {
        sender.push("first").await.unwrap();
        sender.closed().await;
        assert!(sender.is_closed());
        assert!(sender.push("late").await.unwrap_err().is_disconnect());
        said.send("closed").unwrap();
    });
    Sse::from(events).keep_alive(None)
}

/// Pushes until a push waits, and says how it goes on.
#[get("/flood")]
async fn flood(said: State<Said>) -> Sse {
    let events = EventStream::with_capacity(3);
    let (sender, said) = (events.sender(), Said::clone(&said));
    sockeye::spawn(async move {
        let large = "x".repeat(1 << 20);
        let mut pushed = 0;
        while let Ok(result) = tokio::time::timeout(Duration::from_millis(300), sender.push(large.as_str())).await {
            result.unwrap();
            pushed += 1;
            assert!(pushed < 100, "nothing ever waits");
        }
        said.send("full").unwrap();
        assert!(sender.push("late").await.unwrap_err().is_disconnect());
        said.send("closed").unwrap();
    });
    Sse::from(events).keep_alive(None)
}

#[get("/endless")]
async fn endless(said: State<Said>) -> Sse {
    let held = Held(Said::clone(&said));
    Sse::new(stream::repeat_with(move || {
        let _held = &held;
        "x".repeat(1000)
    }))
}

async fn opened(path: &str) -> Result<(Raw, mpsc::UnboundedReceiver<&'static str>)> {
    opened_with(Limits::default(), path).await
}

async fn opened_with(limits: Limits, path: &str) -> Result<(Raw, mpsc::UnboundedReceiver<&'static str>)> {
    let (said, hears) = mpsc::unbounded_channel();
    let app = App::new().limits(limits).state(said).route(waits).route(pushed).route(flood).route(endless);
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
    Ok((raw, hears))
}

async fn hears(raw: &mut Raw, text: &str) {
    soon("an event", async {
        while !String::from_utf8_lossy(&raw.read).contains(text) {
            tokio::io::AsyncReadExt::read_buf(&mut raw.stream, &mut raw.read).await.unwrap();
        }
    })
    .await;
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Fin,
    Reset,
    Closed,
}

async fn leave(raw: Raw, way: Way) -> Option<Raw> {
    match way {
        Way::Fin => {
            let mut raw = raw;
            raw.finish().await;
            Some(raw)
        }
        Way::Reset => {
            raw.reset();
            None
        }
        Way::Closed => None,
    }
}

#[sockeye::test]
async fn a_pending_stream_is_dropped() -> Result<()> {
    for way in [Way::Fin, Way::Reset, Way::Closed] {
        let (mut raw, mut said) = opened("/pending").await?;
        hears(&mut raw, "data: first\n\n").await;
        assert!(said.try_recv().is_err(), "dropped too early");
        let _half_closed = leave(raw, way).await;
        assert_eq!(soon("the end of the stream", said.recv()).await, Some("dropped"), "{way:?}");
    }
    Ok(())
}

#[sockeye::test]
async fn who_pushes_learns_of_it() -> Result<()> {
    for way in [Way::Fin, Way::Reset, Way::Closed] {
        let (mut raw, mut said) = opened("/pushed").await?;
        hears(&mut raw, "data: first\n\n").await;
        assert!(said.try_recv().is_err(), "told too early");
        let _half_closed = leave(raw, way).await;
        let mut told = [soon("on_closed", said.recv()).await, soon("closed", said.recv()).await];
        told.sort();
        assert_eq!(told, [Some("closed"), Some("on_closed")], "{way:?}");
    }
    Ok(())
}

#[sockeye::test]
async fn a_push_waits_for_a_slow_client_and_fails_when_it_goes() -> Result<()> {
    let (mut raw, mut said) = opened("/flood").await?;
    hears(&mut raw, "data: xxx").await;
    assert_eq!(soon("a full queue", said.recv()).await, Some("full"));
    raw.reset();
    assert_eq!(soon("the end", said.recv()).await, Some("closed"));
    Ok(())
}

/// Who stays and takes nothing can't hold a stream for ever; who takes a little now and then is not disturbed.
#[sockeye::test]
async fn a_client_that_takes_nothing_is_ended() -> Result<()> {
    let mut limits = Limits::default();
    limits.stall_timeout = Duration::from_secs(1);
    let (_raw, mut said) = opened_with(limits.clone(), "/flood").await?;
    assert_eq!(soon("a full queue", said.recv()).await, Some("full"));
    assert_eq!(soon("the end", said.recv()).await, Some("closed"));

    limits.stall_timeout = Duration::from_secs(2);
    let (mut raw, mut said) = opened_with(limits, "/endless").await?;
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let mut some = vec![0; 2 << 20];
        tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut some).await?;
    }
    assert!(said.try_recv().is_err(), "ended too early");
    drop(raw);
    assert_eq!(soon("the end", said.recv()).await, Some("dropped"));
    Ok(())
}

/// Who asks for the head only has left before anything came.
#[sockeye::test]
async fn a_head_request_ends_it() -> Result<()> {
    let (said, mut hears) = mpsc::unbounded_channel::<&'static str>();
    let client = TestClient::new(App::new().state(said).route(waits));
    let response = client.request(sockeye::Method::HEAD, "/pending").await?;
    assert_eq!((response.status(), response.text().as_str()), (StatusCode::OK, ""));
    assert_eq!(soon("the end of the stream", hears.recv()).await, Some("dropped"));
    Ok(())
}

/// A test client that is dropped has left.
#[sockeye::test]
async fn in_memory_as_well() -> Result<()> {
    let (said, mut hears) = mpsc::unbounded_channel::<&'static str>();
    let client = TestClient::new(App::new().state(said).route(waits));
    let mut events = client.get("/pending").events().await?;
    assert_eq!(events.next().await?.data, "first");
    events.expect_silence(Duration::from_millis(20)).await;
    drop(events);
    assert_eq!(soon("the end of the stream", hears.recv()).await, Some("dropped"));
    Ok(())
}

/// Inside of another server the body is that server's, and is dropped with its connection all the same.
#[sockeye::test]
async fn mounted_in_axum_as_well() -> Result<()> {
    let (said, mut hears) = mpsc::unbounded_channel::<&'static str>();
    let app = axum::Router::new().fallback_service(App::new().state(said).route(waits));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let _server = sockeye::spawn(async move { axum::serve(listener, app).await });
    let client = TestClient::connect_to(address);
    let mut events = client.get("/pending").events().await?;
    assert_eq!(events.next().await?.data, "first");
    drop(events);
    assert_eq!(soon("the end of the stream", hears.recv()).await, Some("dropped"));
    Ok(())
}
