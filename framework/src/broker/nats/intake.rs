//! What comes in: the messages of all subscriptions, in one stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    stream::{AbortHandle, Abortable, SelectAll, abortable},
};
use tokio::sync::mpsc;

use crate::{
    broker::{
        Channel, Intake,
        adapter::{Ending, OVER},
    },
    error::Result,
    rt::BoxFuture,
};

/// What the intake is told. Closed when the outlet is dropped.
pub(super) enum Note {
    /// There is a further subscription.
    Subscribed(Abortable<Feed>),
    /// The session is over, the reason is in its `Ending`.
    Ended,
}

pub(super) type Notes = mpsc::UnboundedSender<Note>;

pub(super) fn channel() -> (Notes, mpsc::UnboundedReceiver<Note>) {
    mpsc::unbounded_channel()
}

/// One subscription. Dropped, it tells the server that it is not wanted any more.
pub(super) struct Feed {
    channel: Channel,
    messages: Subscriber,
}

impl Feed {
    /// The handle ends it.
    pub(super) fn new(channel: Channel, messages: Subscriber) -> (Abortable<Self>, AbortHandle) {
        abortable(Self { channel, messages })
    }
}

impl Stream for Feed {
    type Item = (Channel, Bytes);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.messages.poll_next_unpin(cx));
        Poll::Ready(message.map(|message| (self.channel.clone(), message.payload)))
    }
}

pub(super) struct NatsIntake {
    notes: mpsc::UnboundedReceiver<Note>,
    feeds: SelectAll<Abortable<Feed>>,
    ending: Ending,
}

impl NatsIntake {
    pub(super) fn new(notes: mpsc::UnboundedReceiver<Note>, ending: Ending) -> Self {
        Self { notes, feeds: SelectAll::new(), ending }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Channel, Bytes)>> {
        loop {
            match self.notes.poll_recv(cx) {
                Poll::Ready(Some(Note::Subscribed(feed))) => self.feeds.push(feed),
                Poll::Ready(Some(Note::Ended)) => return Poll::Ready(Err(self.ending.set(OVER))),
                Poll::Ready(None) => return Poll::Ready(Err(self.ending.set("the half that sends was dropped"))),
                Poll::Pending => break,
            }
        }
        match self.feeds.poll_next_unpin(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(Ok(message)),
            // Nothing is subscribed to. The next note wakes.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Intake for NatsIntake {
    fn next(&mut self) -> BoxFuture<'_, Result<(Channel, Bytes)>> {
        Box::pin(std::future::poll_fn(|cx| self.poll(cx)))
    }
}

impl Drop for NatsIntake {
    fn drop(&mut self) {
        self.ending.set("the half that receives was dropped");
    }
}
