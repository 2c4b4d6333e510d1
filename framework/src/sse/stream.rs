//! A stream of events that is pushed to, from wherever the events come.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, mpsc, watch};

use super::{Event, IntoEvent};
use crate::error::{Error, Result};

/// Events that wait for the client, unless it is said otherwise.
const CAPACITY: usize = 16;

/// Server-Sent Events that are pushed: the answer of a handler, and through [`sender`](Self::sender) the handle of whoever
/// has something to say.
///
/// It derefs to an [`EventSender`], so that `on_closed`, `close` and `closed` can be called on it as well. The answer ends
/// when [`close`](EventSender::close) is called or no sender is left; dropped instead of returned, it is closed. For the
/// keep-alive and the like, turn it into an [`Sse`](crate::Sse).
///
/// ```test_harness
/// use std::time::Duration;
/// use sockeye::{EventStream, prelude::*};
///
/// #[get("/ticks")]
/// async fn ticks() -> EventStream {
///     let events = EventStream::new();
///     events.on_closed(async { println!("the client is gone") });
///     let sender = events.sender();
///     sockeye::spawn(async move {
///         // Fails as soon as the client is gone, which ends the task.
///         while sender.push("tick").await.is_ok() {
///             tokio::select! {
///                 () = sender.closed() => {}
///                 () = sockeye::time::sleep(Duration::from_secs(1)) => {}
///             }
///         }
///     });
///     events
/// }
///
/// #[sockeye::test]
/// async fn ticks_come() -> Result<()> {
///     let client = TestClient::new(App::new().route(ticks));
///     let mut events = client.get("/ticks").events().await?;
///     assert_eq!(events.next().await?.data, "tick");
///     Ok(())
/// }
/// ```
#[must_use = "return it from a handler"]
pub struct EventStream {
    sender: EventSender,
    queue: Queue,
    capacity: usize,
}

/// Pushes to an [`EventStream`]: clones, and may be used from any task.
#[derive(Clone)]
pub struct EventSender {
    events: mpsc::UnboundedSender<Queued>,
    /// A permit an event that may wait; closed when nothing can be pushed any more.
    room: Arc<Semaphore>,
    /// Its sender is the queue's: gone with it.
    open: watch::Receiver<()>,
}

enum Queued {
    Event(Event, OwnedSemaphorePermit),
    End,
}

/// The other end of an [`EventSender`]: what the answer's body reads.
pub(super) struct Queue {
    events: mpsc::UnboundedReceiver<Queued>,
    room: Arc<Semaphore>,
    _open: watch::Sender<()>,
}

impl EventStream {
    /// A stream for whose client 16 events may wait.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A stream for whose client so many events may wait before a push does: at least one.
    pub fn with_capacity(events: usize) -> Self {
        let capacity = events.clamp(1, Semaphore::MAX_PERMITS);
        let (sender, events) = mpsc::unbounded_channel();
        let (_open, open) = watch::channel(());
        let room = Arc::new(Semaphore::new(capacity));
        let queue = Queue { events, room: room.clone(), _open };
        Self { sender: EventSender { events: sender, room, open }, queue, capacity }
    }

    /// A handle that pushes, for another task. It can be cloned, and the answer goes on for as long as there is one.
    pub fn sender(&self) -> EventSender {
        self.sender.clone()
    }

    /// Pushes an event, to be sent once the handler has returned the stream.
    ///
    /// # Errors
    ///
    /// When the queue is full, since nobody reads it before the handler has returned; when [`close`](EventSender::close) was
    /// called; and the event's own, where it is a `Result`.
    ///
    /// # Cancel safety
    ///
    /// It does not wait.
    pub async fn push(&self, event: impl IntoEvent) -> Result<()> {
        let event = event.into_event()?;
        match self.sender.room.clone().try_acquire_owned() {
            Ok(permit) => self.sender.send(event, permit),
            Err(TryAcquireError::Closed) => Err(Error::stream_closed()),
            Err(TryAcquireError::NoPermits) => Err(Error::other(format!(
                "expected at most {} events before the handler returns the stream; push the rest from a task, through \
                 `sender()`",
                self.capacity
            ))),
        }
    }

    pub(super) fn into_queue(self) -> Queue {
        self.queue
    }
}

impl EventSender {
    /// Pushes an event. Waits only while the queue is full, which a slow client makes it.
    ///
    /// # Errors
    ///
    /// A disconnect when the client is gone or the stream was closed; and the event's own, where it is a `Result`. Nothing says that an event has arrived: a client that
    /// goes takes with it what was on its way, and comes back with a [`LastEventId`](crate::LastEventId).
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing was pushed.
    pub async fn push(&self, event: impl IntoEvent) -> Result<()> {
        let event = event.into_event()?;
        let permit = self.room.clone().acquire_owned().await.map_err(|_| Error::stream_closed())?;
        self.send(event, permit)
    }

    fn send(&self, event: Event, permit: OwnedSemaphorePermit) -> Result<()> {
        self.events.send(Queued::Event(event, permit)).map_err(|_| Error::stream_closed())
    }

    /// Ends the stream behind what was pushed before. Nothing can be pushed afterwards. Does not wait.
    pub fn close(&self) {
        self.room.close();
        // Who is gone needs no end.
        let _sent_or_gone = self.events.send(Queued::End);
    }

    /// Waits until the stream is over: the client is gone, the server stops, or all was sent and the stream closed.
    ///
    /// The client's leaving is noticed at once, whether or not anything is pushed. A client that vanishes without a word, its
    /// network cut, is noticed when TCP gives up on what was sent.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn closed(&self) {
        over(self.open.clone()).await;
    }

    /// Whether the stream is over.
    pub fn is_closed(&self) -> bool {
        self.open.has_changed().is_err()
    }

    /// Runs `future` when the stream is over, in a task of its own: at once, if it is already.
    ///
    /// # Panics
    ///
    /// Outside a runtime.
    pub fn on_closed(&self, future: impl Future<Output = ()> + Send + 'static) {
        let open = self.open.clone();
        tokio::spawn(async move {
            over(open).await;
            future.await;
        });
    }
}

/// Nothing is ever said on it: it ends when its sender does.
async fn over(mut open: watch::Receiver<()>) {
    while open.changed().await.is_ok() {}
}

impl Deref for EventStream {
    type Target = EventSender;

    fn deref(&self) -> &EventSender {
        &self.sender
    }
}

impl Default for EventStream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream for Queue {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(match ready!(self.events.poll_recv(cx)) {
            // There is room for one more.
            Some(Queued::Event(event, _permit)) => Some(event),
            Some(Queued::End) | None => None,
        })
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.room.close();
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl fmt::Debug for EventSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}
