//! Server-Sent Events: an answer that goes on.

mod body;
mod event;
mod last_event_id;
mod stream;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use ::http::{HeaderName, HeaderValue, header};
use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::{
    error::Result,
    http::{Body, IntoResponse, Response, Unending},
};

use body::EventBody;
pub use event::{Event, IntoEvent};
pub use last_event_id::LastEventId;
pub use stream::{EventSender, EventStream};

/// Silence after which a comment is sent, unless it is set otherwise.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a proxy reads: nginx must not gather the answer before it passes it on.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

type Events = Pin<Box<dyn Stream<Item = Result<Event>> + Send>>;

/// Server-Sent Events from any stream of events ([HTML, section
/// 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html)): what a browser reads with `EventSource`.
///
/// The stream is polled only while the client takes what it gives, and dropped as soon as the client is gone, even if it
/// is pending then. An item that is an error ends the answer: it is logged, the client learns no more than that the answer
/// is cut short, and connects again. So it does when the stream ends, and when the server stops: a stopping server ends the
/// streams at once, and [`LastEventId`] tells the next one where to go on.
///
/// A comment is sent at once, so that a proxy passes the answer on, and after 15 s of silence, so that nobody on the way
/// takes it for dead.
///
/// ```test_harness
/// use std::convert::Infallible;
/// use sockeye::{Event, LastEventId, prelude::*};
///
/// #[get("/countdown")]
/// async fn countdown(last: LastEventId) -> Sse {
///     let next = last.parse::<u32>().unwrap_or(10);
///     Sse::new(futures_util::stream::iter((0..next).rev().map(|n| Event::new(format!("{n}…")).id(n))))
/// }
///
/// #[sockeye::test]
/// async fn counts() -> Result<()> {
///     let client = TestClient::new(App::new().route(countdown));
///     let mut events = client.get("/countdown").header("last-event-id", "3").events().await?;
///     assert_eq!(events.next().await?.data, "2…");
///     Ok(())
/// }
/// ```
#[must_use = "return it from a handler"]
pub struct Sse {
    events: Events,
    keep_alive: Option<Duration>,
    retry: Option<Duration>,
}

impl Sse {
    /// Sends what `stream` gives.
    pub fn new<S>(stream: S) -> Self
    where
        S: Stream<Item: IntoEvent> + Send + 'static,
    {
        Self { events: Box::pin(Each { stream }), keep_alive: Some(KEEP_ALIVE), retry: None }
    }

    /// Sets the silence after which a comment is sent; `None` sends none, which proxies take for a dead connection.
    pub fn keep_alive(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.keep_alive = silence.into();
        self
    }

    /// Says first of all how long the client shall wait before it connects again, in whole milliseconds.
    pub fn retry(mut self, delay: Duration) -> Self {
        self.retry = Some(delay);
        self
    }
}

impl From<EventStream> for Sse {
    fn from(stream: EventStream) -> Self {
        Self::new(stream.into_queue())
    }
}

impl IntoResponse for Sse {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::new(EventBody::new(self.events, self.keep_alive, self.retry)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
        response.extensions_mut().insert(Unending);
        response
    }
}

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        Sse::from(self).into_response()
    }
}

impl fmt::Debug for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse").field("keep_alive", &self.keep_alive).field("retry", &self.retry).finish_non_exhaustive()
    }
}

pin_project! {
    /// Makes events of what a stream gives.
    struct Each<S> {
        #[pin]
        stream: S,
    }
}

impl<S: Stream<Item: IntoEvent>> Stream for Each<S> {
    type Item = Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        self.project().stream.poll_next(cx).map(|item| item.map(IntoEvent::into_event))
    }
}
