//! Streams of events for browsers: what `tests/clients` drives with `EventSource`.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use futures_util::stream;
use sockeye::{Event, EventStream, LastEventId, prelude::*};

/// Streams of `/open` that somebody reads.
type Open = Arc<AtomicU32>;

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
        events.push(event.retry(std::time::Duration::from_millis(50))).await?;
    }
    Ok(events)
}

/// Goes on until the client leaves.
#[get("/open")]
async fn open(open: State<Open>) -> EventStream {
    let events = EventStream::new();
    open.fetch_add(1, Ordering::SeqCst);
    let sender = events.sender();
    events.on_closed(async move {
        open.fetch_sub(1, Ordering::SeqCst);
        // It kept the stream open.
        drop(sender);
    });
    events
}

#[get("/open/count")]
async fn count(open: State<Open>) -> String {
    open.load(Ordering::SeqCst).to_string()
}

#[sockeye::main]
async fn main() -> Result<()> {
    App::new()
        .state(Open::default())
        .route(page)
        .route(texts)
        .route(counting)
        .route(open)
        .route(count)
        .run()
        .await
}
