//! A room as a stream of events that goes on where another has ended.

use std::{
    collections::VecDeque,
    num::NonZeroU64,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde_json::json;

use super::{
    Room,
    feed::{Listener, event},
};
use crate::{
    error::Result,
    history::{History, Offset, Page, Span},
    rt::BoxFuture,
    sse::{Event, Sse},
    ws::Message,
};

/// Messages that are read at a time.
const PAGE: usize = 200;

impl Room {
    /// The room as Server-Sent Events, like [`sse`](Self::sse), from an offset on: what was published after it, then what
    /// is said from now on, without a gap and without a duplicate. The id of a stored message is its offset, which a
    /// browser gives back as [`LastEventId`](crate::LastEventId); with `None`, at the first connection, the stream starts
    /// now.
    ///
    /// What can't be given any more is said: an event `gap` with the data `{"since":3,"first":8}` stands where 4 to 7 would
    /// have been. Where the room has never given out the offset, `first` is that of its next message.
    ///
    /// What is stored is read as the client takes it. What is broadcast without being stored waits until all of that is
    /// sent.
    ///
    /// # Errors
    ///
    /// Those of [`sse`](Self::sse), and if the app has no history. A history that can't be read later ends the stream.
    ///
    /// ```test_harness
    /// use sockeye::{LastEventId, MemoryHistory, prelude::*};
    ///
    /// #[get("/rooms/<room>")]
    /// async fn listen(room: String, last: LastEventId, hub: Hub) -> Result<Sse> {
    ///     hub.room(&room).sse_since(last.parse())
    /// }
    ///
    /// #[sockeye::test]
    /// async fn goes_on_where_it_was() -> Result<()> {
    ///     let app = App::new().history(MemoryHistory::new()).route(listen);
    ///     let room = app.hub().room("a");
    ///     let client = TestClient::new(app);
    ///     room.publish(&1).await?;
    ///     room.publish(&2).await?;
    ///     let mut events = client.get("/rooms/a").header("last-event-id", "1").events().await?;
    ///     assert_eq!(events.next().await?.data, "2");
    ///     room.publish(&3).await?;
    ///     assert_eq!(events.next().await?.id, "3");
    ///     Ok(())
    /// }
    /// ```
    pub fn sse_since(&self, since: impl Into<Option<Offset>>) -> Result<Sse> {
        self.live.check_name()?;
        let history = self.live.registry.history()?;
        let Some(has) = since.into() else { return self.sse() };
        let listener = Listener::new(self.clone(), true);
        let step = Step::Open(open(&listener));
        Ok(Sse::new(Since { listener, history, has, waiting: VecDeque::new(), step }))
    }
}

struct Since {
    listener: Listener,
    history: Arc<dyn History>,
    /// All up to here was given, or waits, or is lost.
    has: Offset,
    waiting: VecDeque<Event>,
    step: Step,
}

enum Step {
    /// What is stored from now on is given, wherever it is stored.
    Open(BoxFuture<'static, ()>),
    Read(BoxFuture<'static, Result<Page>>),
    /// All was read, unless more was handed out since.
    CatchUp,
    Listen,
    End,
}

fn open(listener: &Listener) -> BoxFuture<'static, ()> {
    let served = listener.served.clone();
    Box::pin(async move {
        if let Some(served) = served {
            served.opened().await;
        }
    })
}

fn read(history: &Arc<dyn History>, room: &Room, has: Offset) -> BoxFuture<'static, Result<Page>> {
    let (history, room) = (history.clone(), room.clone());
    Box::pin(async move { history.read(room.name(), Span::After(has), PAGE).await })
}

impl Since {
    /// Takes a page.
    fn take(&mut self, page: &Page) -> Result<()> {
        if !page.recovers(self.has) {
            let data = json!({ "since": self.has, "first": page.first });
            self.waiting.push_back(Event::json(&data)?.name("gap")?);
        }
        let live = &self.listener.room.live;
        for stored in &page.messages {
            let text = live.render(stored).map(|message| message.into_message()).transpose()?;
            let Some(text) = text.and_then(Message::into_text) else { continue };
            self.waiting.push_back(event(&text, NonZeroU64::new(stored.offset.get()))?);
        }
        self.has = page.messages.last().map_or(page.last, |stored| stored.offset);
        self.step =
            if page.more { Step::Read(read(&self.history, &self.listener.room, self.has)) } else { Step::CatchUp };
        Ok(())
    }
}

impl Stream for Since {
    type Item = Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.waiting.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut this.step {
                Step::Open(opening) => {
                    ready!(opening.as_mut().poll(cx));
                    this.step = Step::Read(read(&this.history, &this.listener.room, this.has));
                }
                Step::Read(reading) => {
                    let page = ready!(reading.as_mut().poll(cx));
                    if let Err(error) = page.and_then(|page| this.take(&page)) {
                        this.step = Step::End;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Step::CatchUp => {
                    let live = &this.listener.room.live;
                    live.base_at(this.has.get());
                    let sent = live.state().catch_up_listener(this.listener.number, this.has.get());
                    live.registry.traffic.sent(sent.unwrap_or_default());
                    this.step = match sent {
                        Some(_) => Step::Listen,
                        None => Step::Read(read(&this.history, &this.listener.room, this.has)),
                    };
                }
                Step::Listen => return Pin::new(&mut this.listener).poll_next(cx),
                Step::End => return Poll::Ready(None),
            }
        }
    }
}
