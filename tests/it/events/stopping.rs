//! A server that stops is not held up by answers that would go on for ever.

use std::{future::pending, time::Duration};

use sockeye::{EventStream, prelude::*};
use tokio::sync::mpsc;
use tower_layer::layer_fn;

use crate::robustness::raw::soon;

/// As good as never.
const NEVER: Duration = Duration::from_secs(3600);

#[get("/ticks")]
async fn ticks(ended: State<mpsc::UnboundedSender<()>>) -> EventStream {
    let events = EventStream::new();
    let (sender, ended) = (events.sender(), mpsc::UnboundedSender::clone(&ended));
    sockeye::spawn(async move {
        sender.push("tick").await.unwrap();
        sender.closed().await;
        ended.send(()).unwrap();
    });
    events
}

#[get("/flood")]
async fn flood() -> Sse {
    Sse::new(futures_util::stream::repeat("again"))
}

#[sockeye::test]
async fn streams_end_in_good_order() -> Result<()> {
    let (ended, mut hears) = mpsc::unbounded_channel();
    let app = App::new().state(ended).route(ticks).route(flood).layer(layer_fn(|service| service));
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let client = TestClient::connect_to(server.local_addr());
    let mut flood = client.get("/flood").events().await?;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut events = client.get("/ticks").events().await?;
        assert_eq!(events.next().await?.data, "tick");
        streams.push(events);
    }
    let stopped = sockeye::spawn(server.shutdown(NEVER));
    for events in &mut streams {
        events.expect_end().await;
        assert_eq!(soon("the producer's end", hears.recv()).await, Some(()));
    }
    while flood.next().await.is_ok() {}
    flood.expect_end().await;
    soon("the stop", stopped).await?
}

#[get("/handler")]
async fn never() -> Sse {
    pending().await
}

/// A client that does not read is ended at the deadline, and so is a handler that has not answered yet.
#[sockeye::test]
async fn the_deadline_holds() -> Result<()> {
    let app = App::new().route(flood).route(never);
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let client = TestClient::connect_to(server.local_addr());
    let _unread = client.get("/flood").events().await?;
    let _waiting = sockeye::spawn(async move { client.get("/handler").events().await });
    tokio::task::yield_now().await;
    soon("the stop", server.shutdown(Duration::from_millis(200))).await
}
