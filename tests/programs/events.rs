//! Streams of events, and an echo: what `tests/clients` drives with `EventSource` and `tests/proxies` through proxies.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::stream;
use sockeye::{Event, EventStream, LastEventId, prelude::*};

/// Streams of `/open` that somebody reads.
type Open = Arc<AtomicU32>;

/// For proxies that have to let it through.
#[websocket("/echo")]
async fn echo(mut ws: WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await {
        ws.send(&message?).await?;
    }
    Ok(())
}

/// A page of this origin, for the client's script.
#[get("/")]
async fn page() -> Html<&'static str> {
    Html("<!doctype html><title>Events</title>")
}

/// Texts that try to be more than one event.
#[get("/texts")]
async fn texts() -> Result<Sse> {
    let texts = ["plain", "two\nlines", "", " ", "a\n\nevent: forged\ndata: b", ":x", "é🐟\0", "a\r\nb\rc", "\n"];
    let last = Event::json(&serde_json::json!({ "text": "a\r\nb" }))?.name("last")?;
    Ok(Sse::new(stream::iter(texts.map(Event::new).into_iter().chain([last]))))
}

/// Three events a connection, counted on from the last that the client has got.
#[get("/counting")]
async fn counting(last: LastEventId) -> Result<EventStream> {
    let next = last.parse::<u32>().map_or(0, |id| id + 1);
    let events = EventStream::new();
    for id in next..next + 3 {
        let from = last.get().unwrap_or("the start");
        let event = Event::new(format!("{id} after {from}")).id(id)?;
        events.push(event.retry(Duration::from_millis(50))).await?;
    }
    Ok(events)
}

/// Goes on until the client leaves, with a comment every so many milliseconds.
#[get("/open")]
async fn open(open: State<Open>, #[query(default = 15_000)] every: u64) -> Sse {
    let events = EventStream::new();
    open.fetch_add(1, Ordering::SeqCst);
    let sender = events.sender();
    events.on_closed(async move {
        open.fetch_sub(1, Ordering::SeqCst);
        // It kept the stream open.
        drop(sender);
    });
    Sse::from(events).keep_alive(Duration::from_millis(every))
}

#[get("/open/count")]
async fn count(open: State<Open>) -> String {
    open.load(Ordering::SeqCst).to_string()
}

#[sockeye::main]
async fn main() -> Result<()> {
    App::new()
        .state(Open::default())
        .route(echo)
        .route(page)
        .route(texts)
        .route(counting)
        .route(open)
        .route(count)
        .run()
        .await
}
