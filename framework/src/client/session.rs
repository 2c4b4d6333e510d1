//! One connection, from its handshake to its end: reading and writing at the same time.

use std::{future::poll_fn, pin::pin};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::mpsc,
    time::{Duration, sleep},
};
use tokio_tungstenite::tungstenite::{
    Bytes, Error as WireError, Message as Wire, Utf8Bytes,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame as WireFrame, frame::coding::CloseCode as WireCode},
};

use super::{
    cause::Cause,
    dial::Socket,
    inbox::Arrived,
    outbox::{Held, Outgoing},
    place::Place,
    shared::Shared,
    worker::Settings,
};
use crate::{
    rt,
    ws::{CloseCode, CloseFrame, Head, Message, Text, answer_in},
};

/// How long the server has to close the connection when all is said, and to take what we say last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Messages that are written before the socket is flushed and other orders are looked at.
const BATCH: usize = 64;

/// What the reading half has the writing half send.
enum Order {
    Ping,
    Close(CloseFrame),
}

/// Reads and writes until the connection ends.
pub(super) async fn run(socket: Socket, shared: &Shared, connection: u64, settings: &Settings) -> Cause {
    let (sink, stream) = socket.split();
    let (orders, ordered) = mpsc::channel(2);
    let mut reading = pin!(Reading { stream, shared, connection, settings, orders: orders.clone() }.run());
    let mut writing = pin!(write(sink, shared, ordered));
    let too_late = async {
        shared.outbox.closing().await;
        sleep(settings.close_timeout).await;
    };
    tokio::select! {
        biased;
        cause = &mut reading => {
            if let Some(frame) = cause.farewell() {
                // Of no use to a server that does not take it in time.
                let _taken_or_late = rt::timeout(LAST_WORDS, async {
                    let _writing_goes_on = orders.send(Order::Close(frame)).await;
                    writing.await
                }).await;
            }
            cause
        }
        written = &mut writing => match written {
            // The close frame is out: the server answers it.
            Ok(()) => {
                let _answered_or_late = rt::timeout(settings.close_timeout, reading).await;
                Cause::Asked
            }
            // The reason may have come before.
            Err(error) => rt::timeout(LAST_WORDS, reading).await.unwrap_or_else(|_| broken(error)),
        },
        () = too_late => Cause::Asked,
    }
}

struct Reading<'s> {
    stream: SplitStream<Socket>,
    shared: &'s Shared,
    connection: u64,
    settings: &'s Settings,
    orders: mpsc::Sender<Order>,
}

impl Reading<'_> {
    async fn run(mut self) -> Cause {
        let mut has_pinged = false;
        loop {
            // Only the time of waiting counts: while the inbox is full nothing is read, whatever has come.
            let patience = if has_pinged { self.settings.patience } else { self.settings.silence };
            let Ok(read) = rt::timeout(patience, self.stream.next()).await else {
                // Full, the writing half has not written the last order: this one would not get out either.
                if has_pinged || self.orders.try_send(Order::Ping).is_err() {
                    return Cause::Silent;
                }
                has_pinged = true;
                continue;
            };
            has_pinged = false;
            let message = match read {
                Some(Ok(Wire::Text(text))) => match Text::try_from(Bytes::from(text)) {
                    Ok(text) => Message::Text(text),
                    Err(error) => return Cause::lost(error),
                },
                Some(Ok(Wire::Binary(bytes))) => Message::Binary(bytes),
                Some(Ok(Wire::Close(frame))) => return self.close(frame).await,
                Some(Ok(_)) => continue,
                Some(Err(error)) => return broken(error),
                None => return Cause::lost("the connection broke off"),
            };
            self.take(message).await;
        }
    }

    async fn take(&self, message: Message) {
        let text = message.as_text();
        if text.is_some_and(|text| self.is_answer(text)) {
            return;
        }
        let place = text.map(|text| Place::of(text)).unwrap_or_default();
        let question = text.and_then(|text| self.question_in(text));
        self.shared.inbox.push(Arrived { message, place, question, connection: self.connection }).await;
    }

    /// Whether it answers a question of ours, and so is no message for the app.
    fn is_answer(&self, text: &Text) -> bool {
        let outbox = &self.shared.outbox;
        outbox.has_asked() && answer_in(text).flatten().is_some_and(|question| outbox.answer(question, text))
    }

    /// The id under which the server asks, if the app answers such questions.
    fn question_in(&self, text: &str) -> Option<Box<str>> {
        let questions = &self.settings.questions;
        let head = (!questions.is_empty()).then(|| Head::of(text).ok())??;
        questions.iter().any(|kind| *kind == head.kind).then(|| head.into_id())?
    }

    /// The server's close frame is answered by reading on; then the server closes the connection.
    async fn close(mut self, frame: Option<WireFrame>) -> Cause {
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        let _closed_or_late = rt::timeout(LAST_WORDS, rest).await;
        let from_wire = |frame: WireFrame| CloseFrame {
            code: CloseCode::from(u16::from(frame.code)),
            reason: frame.reason.as_str().into(),
        };
        Cause::Closed(frame.map(from_wire))
    }
}

/// Sends what is in the outbox, until the close frame is out.
async fn write(
    mut sink: SplitSink<Socket, Wire>,
    shared: &Shared,
    mut orders: mpsc::Receiver<Order>,
) -> Result<(), WireError> {
    loop {
        let mut next = tokio::select! {
            biased;
            Some(order) = orders.recv() => match order {
                Order::Ping => {
                    sink.send(Wire::Ping(Bytes::new())).await?;
                    continue;
                }
                Order::Close(frame) => Outgoing::Close(frame),
            },
            next = shared.outbox.next() => next,
        };
        for left in (0..BATCH).rev() {
            match next {
                Outgoing::Entry(held) => feed(&mut sink, held).await?,
                Outgoing::Close(frame) => {
                    let code = WireCode::from(frame.code.as_u16());
                    let frame = WireFrame { code, reason: frame.short_reason().into() };
                    return sink.send(Wire::Close(Some(frame))).await;
                }
            }
            match if left > 0 { shared.outbox.try_next() } else { None } {
                Some(more) => next = more,
                None => break,
            }
        }
        sink.flush().await?;
    }
}

/// Hands a message to the socket; one that it does not take, or not in time, stays in the outbox.
async fn feed(sink: &mut SplitSink<Socket, Wire>, held: Held<'_>) -> Result<(), WireError> {
    let wire = match held.message() {
        Message::Text(text) => Wire::Text(Utf8Bytes::try_from(text.clone().into_bytes())?),
        Message::Binary(bytes) => Wire::Binary(bytes.clone()),
    };
    sink.feed(wire).await?;
    // So far it waits in this half, which has room for one. The socket has it when there is room again.
    poll_fn(|cx| sink.poll_ready_unpin(cx)).await?;
    held.taken();
    Ok(())
}

fn broken(error: WireError) -> Cause {
    match error {
        WireError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            Cause::TooLarge { size, limit: max_size }
        }
        WireError::Io(error) => Cause::lost(format_args!("the connection broke: {error}")),
        WireError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Cause::lost("the connection broke off without a close frame (1006)")
        }
        error => Cause::lost(format_args!("the server broke the protocol: {error}")),
    }
}
