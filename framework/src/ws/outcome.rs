//! How a socket handler ends, and what the peer is told.

use std::{any::Any, error::Error as StdError, future::Future, pin::Pin};

use super::proto::{CloseCode, CloseFrame};
use crate::error::{BoxError, Error};

/// A running handler.
pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What a socket handler may return: nothing, or a `Result` of nothing with any error that turns into a boxed one.
#[diagnostic::on_unimplemented(
    message = "a WebSocket handler can't return `{Self}`",
    label = "not what a socket handler returns",
    note = "return nothing, or `Result<()>`; what the peer shall get is sent with `ws.send_text(…)` and its siblings"
)]
pub trait SocketOutcome: Send + Sized {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), Failure>;

    #[doc(hidden)]
    fn into_outcome(self) -> Outcome {
        Outcome(self.into_result().err().map_or(End::Normal, |failure| failure.end))
    }
}

/// An error that a handler gave back.
#[derive(Debug)]
pub struct Failure {
    pub(crate) error: Error,
    /// What it asks for.
    pub(crate) end: End,
    /// What goes to who has asked, code and message, if the error is an answer.
    pub(crate) answer: Option<Box<(String, String)>>,
}

/// How a handler ended.
#[derive(Debug)]
pub struct Outcome(pub(crate) End);

/// How a handler ended, for the driver.
#[derive(Debug)]
pub(crate) enum End {
    Normal,
    /// It gave back an error that says how to close: the peer's fault.
    Close(CloseFrame),
    /// It gave back any other error, or panicked: our fault.
    Failed(String),
}

impl SocketOutcome for () {
    fn into_result(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: Into<BoxError> + Send + 'static> SocketOutcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failure> {
        self.map_err(Failure::of)
    }
}

/// What a Sockeye error somewhere in the chain asks for.
#[derive(Default)]
struct Judged {
    end: Option<End>,
    answer: Option<Box<(String, String)>>,
}

fn judge(error: &(dyn StdError + 'static)) -> Option<Judged> {
    let ours = Error::find(error)?;
    let end = match ours.is_disconnect() {
        true => Some(End::Normal),
        false => ours.wanted_close().cloned().map(End::Close),
    };
    let answer = ours.answer().map(|(code, message)| Box::new((code.to_owned(), message.to_owned())));
    Some(Judged { end, answer })
}

/// A boxed `anyhow::Error` hides the type of what it holds, so it is looked at before.
#[cfg(feature = "anyhow")]
fn inside_anyhow(error: &dyn Any) -> Option<Judged> {
    error.downcast_ref::<anyhow::Error>().and_then(|error| judge(error.as_ref()))
}

#[cfg(not(feature = "anyhow"))]
fn inside_anyhow(_: &dyn Any) -> Option<Judged> {
    None
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl Failure {
    /// A handler gave back an error.
    pub(crate) fn of<E: Into<BoxError> + Send + 'static>(error: E) -> Self {
        let inside = inside_anyhow(&error);
        let error: BoxError = error.into();
        let Judged { end, answer } = inside.or_else(|| judge(&*error)).unwrap_or_default();
        let end = end.unwrap_or_else(|| End::Failed(chain(&*error)));
        Self { error: Error::other(error), end, answer }
    }

    /// A part of a handler panicked.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let text = format!("panicked: {}", panic_message(payload));
        Self { error: Error::other(text.clone()), end: End::Failed(text), answer: None }
    }
}

/// The end of a handler that panicked.
pub(crate) fn panicked(payload: &(dyn Any + Send)) -> End {
    End::Failed(format!("panicked: {}", panic_message(payload)))
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let message = payload.downcast_ref::<&str>().copied();
    message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no message)")
}

impl End {
    /// What the peer is told.
    pub(crate) fn frame(&self) -> CloseFrame {
        match self {
            Self::Normal => CloseFrame { code: CloseCode::NORMAL, reason: "".into() },
            Self::Close(frame) => frame.clone(),
            // No word about the cause: it may hold secrets.
            Self::Failed(_) => CloseFrame { code: CloseCode::INTERNAL, reason: "internal error".into() },
        }
    }
}
