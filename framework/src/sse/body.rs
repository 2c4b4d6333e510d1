//! The body of an answer that is a stream of events.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep};

use super::{Event, Events};
use crate::{
    error::{BoxError, Error, Result},
    ws::panic_message,
};

/// A comment without a text, and the blank line that makes parsers look at what they have.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// Gives events as they come, and comments while none do.
pub(super) struct EventBody {
    /// What the client gets before any event.
    first: Option<Bytes>,
    /// Dropped when it has ended.
    events: Option<Events>,
    /// What it ended with.
    failure: Option<Error>,
    silence: Option<Silence>,
}

/// Measures the time since something was sent.
struct Silence {
    longest: Duration,
    timer: Pin<Box<Sleep>>,
}

impl EventBody {
    pub(super) fn new(events: Events, keep_alive: Option<Duration>, retry: Option<Duration>) -> Self {
        let first = match retry {
            Some(delay) => Event::comment("").retry(delay).encode(),
            None => COMMENT,
        };
        let silence = keep_alive.map(|longest| Silence { longest, timer: Box::pin(sleep(longest)) });
        Self { first: Some(first), events: Some(events), failure: None, silence }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let Some(events) = &mut self.events else { return Poll::Ready(self.failure.take().map(Err)) };
        let polled = catch_unwind(AssertUnwindSafe(|| events.as_mut().poll_next(cx)));
        polled.unwrap_or_else(|payload| {
            Poll::Ready(Some(Err(Error::other(format!("panicked: {}", panic_message(&*payload))))))
        })
    }
}

impl Silence {
    fn begin(&mut self) {
        // A time that no clock can tell is as good as never.
        if let Some(until) = Instant::now().checked_add(self.longest) {
            self.timer.as_mut().reset(until);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = self.timer.as_mut().poll(cx);
        if over.is_ready() {
            self.begin();
        }
        over
    }
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match self.poll_event(cx) {
            Poll::Ready(Some(Ok(event))) => {
                self.silence.iter_mut().for_each(Silence::begin);
                Poll::Ready(Some(Ok(Frame::data(event.encode()))))
            }
            Poll::Ready(Some(Err(error))) if self.events.take().is_some() => {
                tracing::error!(?error, "an event stream failed");
                // The error cuts the answer off where it is: what was sent before shall leave first.
                self.failure = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.events = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                let over = self.silence.as_mut().is_some_and(|silence| silence.poll(cx).is_ready());
                if over { Poll::Ready(Some(Ok(Frame::data(COMMENT)))) } else { Poll::Pending }
            }
        }
    }
}
