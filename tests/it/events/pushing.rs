//! `EventStream`: who may push, and when it ends.

use std::sync::Arc;

use sockeye::{Event, EventSender, EventStream, prelude::*};
use tokio::sync::{Mutex, mpsc};

use crate::robustness::raw::soon;

#[get("/finite")]
async fn finite() -> Result<EventStream> {
    let events = EventStream::new();
    events.push("one").await?;
    // What can't be an event is refused here, and nothing of it is sent.
    assert!(events.push(Event::new("forged").id("2\ndata: forged")).await.is_err());
    assert!(events.sender().push(Event::new("forged").name("a\nb")).await.is_err());
    events.push(Event::new("two").id(2)).await?;
    Ok(events)
}

#[get("/closed")]
async fn closed() -> Result<EventStream> {
    let events = EventStream::default();
    let sender = events.sender();
    // It outlives the stream.
    sockeye::spawn(async move {
        sender.push("one").await?;
        sender.clone().close();
        assert!(sender.push("two").await.unwrap_err().is_disconnect());
        sender.closed().await;
        std::future::pending::<Result<()>>().await
    });
    Ok(events)
}

#[sockeye::test]
async fn ends_with_the_last_sender_or_when_it_is_closed() -> Result<()> {
    let client = TestClient::new(App::new().route(finite).route(closed));
    let mut events = client.get("/finite").events().await?;
    assert_eq!(events.next().await?.data, "one");
    assert_eq!(events.next().await?.id, "2");
    events.expect_end().await;
    let mut events = client.get("/closed").events().await?;
    assert_eq!(events.next().await?.data, "one");
    events.expect_end().await;
    Ok(())
}

/// Nobody reads before the handler has returned: to wait would be for ever.
#[sockeye::test]
async fn too_many_events_before_the_return_are_refused() -> Result<()> {
    let events = EventStream::with_capacity(2);
    events.push("one").await?;
    events.push("two").await?;
    let error = events.push("three").await.unwrap_err();
    assert!(!error.is_disconnect());
    assert!(error.to_string().starts_with("expected at most 2 events before the handler returns"), "{error}");
    events.close();
    assert!(events.push("four").await.unwrap_err().is_disconnect());
    Ok(())
}

#[sockeye::test]
async fn a_stream_that_is_never_returned_is_closed() -> Result<()> {
    let events = EventStream::with_capacity(1);
    let sender = events.sender();
    let (said, mut hears) = mpsc::unbounded_channel();
    events.on_closed(async move { said.send(()).unwrap() });
    sender.push("one").await?;
    let waiting = sockeye::spawn({
        let sender = sender.clone();
        async move { sender.push("two").await }
    });
    tokio::task::yield_now().await;
    assert!(!sender.is_closed());
    drop(events);
    assert!(soon("the push", waiting).await?.unwrap_err().is_disconnect());
    assert_eq!(hears.recv().await, Some(()));
    sender.closed().await;
    assert!(sender.is_closed());
    sender.on_closed(async move { drop(hears) });
    Ok(())
}

type Senders = Arc<Mutex<Vec<EventSender>>>;

#[get("/feed")]
async fn feed(senders: State<Senders>) -> EventStream {
    let events = EventStream::new();
    senders.lock().await.push(events.sender());
    events
}

/// Many tasks push to many clients; each gets each task's events once and in order.
#[sockeye::test(worker_threads = 2)]
async fn order_is_kept() -> Result<()> {
    let senders = Senders::default();
    let client = TestClient::tcp(App::new().state(senders.clone()).route(feed)).await?;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(client.get("/feed").events().await?);
    }
    let senders = std::mem::take(&mut *senders.lock().await);
    for task in 0..4 {
        let senders = senders.clone();
        sockeye::spawn(async move {
            for number in 0..100 {
                for sender in &senders {
                    sender.push(format!("{task} {number}")).await?;
                }
            }
            Ok::<_, Error>(())
        });
    }
    drop(senders);
    for events in &mut clients {
        let mut next = [0; 4];
        for _ in 0..400 {
            let data = events.next().await?.data;
            let (task, number) = data.split_once(' ').unwrap();
            let task: usize = task.parse()?;
            assert_eq!(number.parse::<u32>()?, next[task]);
            next[task] += 1;
        }
        events.expect_end().await;
    }
    Ok(())
}
