//! The one error type: opaque, one word wide, with a kind and questions.

use std::{borrow::Cow, error::Error as StdError, fmt, ops::Deref};

use crate::ws::proto::{CloseCode, CloseFrame};

/// Any error that may cross threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// `std`'s `Result` with Sockeye's [`Error`] as the default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Characters that a complaint about a message has at most.
const LONGEST_COMPLAINT: usize = 500;

/// What went wrong: on a socket, at start, or in a handler.
///
/// Every `std::error::Error` turns into it by `?`, which is why it does not implement that trait itself; it derefs to
/// one instead, and turns into `Box<dyn Error>` and (feature `anyhow`) `anyhow::Error`.
///
/// ```
/// use sockeye::{Error, ErrorKind};
///
/// let error: Error = "x".parse::<u32>().unwrap_err().into();
/// assert_eq!(error.kind(), ErrorKind::Other);
/// assert!(!error.is_disconnect());
/// ```
pub struct Error(Box<Repr>);

/// The cause behind an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer is gone, or the connection is closing: nothing more comes in or goes out.
    Disconnected,
    /// A message of the wrong kind came: binary where text was expected, or the reverse. Closes 1003.
    UnexpectedKind,
    /// A message came that is not JSON, or not of the expected shape. Closes 1007.
    InvalidMessage,
    /// A close code that may not be sent (RFC 6455 section 7.4).
    InvalidClose,
    /// The address could not be listened on.
    Bind,
    /// A certificate or its key can't be used.
    Tls,
    /// The app can't be served: routes collide, state is missing.
    Build,
    /// Something took longer than its limit.
    Timeout,
    /// A room is full, a connection is in too many rooms, or a room's name is too long. Closes 1013 or 1008.
    Limit,
    /// The history can't be written or read, or there is none.
    Storage,
    /// The broker can't be reached, or does not take a message.
    Broker,
    /// An answer to who has asked: that it can't be done, and why.
    Answer,
    /// A client (`sockeye::client`) has no connection to its server, or none any more.
    Offline,
    /// Any other error that a handler met.
    Other,
}

struct Repr {
    kind: ErrorKind,
    message: Cow<'static, str>,
    close: Option<CloseFrame>,
    source: Option<BoxError>,
    /// Of an answer.
    code: Option<Box<str>>,
    /// The id in a message that is invalid, as JSON: who sent it waits for an answer.
    asked: Option<Box<str>>,
}

impl Error {
    fn build(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Repr { kind, message: message.into(), close: None, source: None, code: None, asked: None }))
    }

    fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The close code of RFC 6455 section 7.4.1 that the error stands for, with its text as the reason.
    fn closing(self, code: CloseCode) -> Self {
        let reason = self.0.message.clone().into();
        self.with_close(CloseFrame { code, reason })
    }

    pub(crate) fn with_close(mut self, frame: CloseFrame) -> Self {
        self.0.close = Some(frame);
        self
    }

    /// An error of your own, from a text or from anything that turns into a boxed error.
    ///
    /// ```
    /// let error = sockeye::Error::other("no such room");
    /// assert_eq!(error.to_string(), "no such room");
    /// ```
    pub fn other(error: impl Into<BoxError>) -> Self {
        let error = error.into();
        match error.downcast::<Repr>() {
            Ok(repr) => Self(repr),
            Err(error) => Self::build(ErrorKind::Other, "").with_source(error),
        }
    }

    pub(crate) fn disconnected(frame: Option<CloseFrame>) -> Self {
        let message = match &frame {
            Some(frame) => Cow::Owned(format!("the peer has closed the connection: {frame}")),
            None => Cow::Borrowed("the connection is closed (1006 abnormal closure)"),
        };
        let mut error = Self::build(ErrorKind::Disconnected, message);
        error.0.close = frame;
        error
    }

    /// An event stream's counterpart of a disconnect.
    pub(crate) fn stream_closed() -> Self {
        Self::build(ErrorKind::Disconnected, "the event stream is closed: its client is gone, or `close` was called")
    }

    pub(crate) fn unexpected_kind(expected: &'static str, came: &'static str) -> Self {
        let text = format!("expected a {expected} message, got a {came} one");
        Self::build(ErrorKind::UnexpectedKind, text).closing(CloseCode::UNSUPPORTED_DATA)
    }

    pub(crate) fn invalid_message(source: serde_json::Error) -> Self {
        let mut text = format!("invalid message: {source}");
        // serde names what came, which may be as long as the message, and the text goes back to the peer.
        shorten(&mut text);
        Self::build(ErrorKind::InvalidMessage, text).with_source(source).closing(CloseCode::INVALID_PAYLOAD)
    }

    pub(crate) fn invalid_close(code: CloseCode) -> Self {
        let text = "may not be sent in a close frame; use 1000, 1001, 1003, 1007 to 1014 or 3000 to 4999";
        Self::build(ErrorKind::InvalidClose, format!("close code {} {text}", code.as_u16()))
    }

    pub(crate) fn bind(address: &str, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::build(ErrorKind::Bind, format!("can't listen on {address}: {source}")).with_source(source)
    }

    pub(crate) fn unfit(message: String) -> Self {
        Self::build(ErrorKind::Build, message)
    }

    /// A limit that the peer has reached; `code` is what it is closed with if that ends the handler.
    pub(crate) fn limit(message: impl Into<Cow<'static, str>>, code: CloseCode) -> Self {
        Self::build(ErrorKind::Limit, message).closing(code)
    }

    /// For a [`History`](crate::History): messages can't be stored or read. The text says why.
    ///
    /// ```
    /// let error = sockeye::Error::storage("expected the disk to have room, it is full");
    /// assert!(error.is_storage());
    /// ```
    pub fn storage(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(ErrorKind::Storage, message)
    }

    /// For a [`Broker`](crate::Broker): messages can't be handed on. The text says why.
    ///
    /// ```
    /// let error = sockeye::Error::broker("expected an answer within 5 s, got none");
    /// assert!(error.is_broker());
    /// ```
    pub fn broker(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(ErrorKind::Broker, message)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(message: String) -> Self {
        Self::build(ErrorKind::Tls, message)
    }

    /// What goes back to a client that has asked, in place of an answer: its request fails with this code and this message,
    /// and the connection stays open. An `#[on]` method or `message` returns it; if the client has not asked, it gets it as an
    /// `error` without an id. From [`Peer::request`](crate::Peer::request) it is what the client has answered.
    ///
    /// ```
    /// use sockeye::prelude::*;
    ///
    /// #[derive(Default)]
    /// struct Clerk;
    ///
    /// #[websocket("/clerk")]
    /// impl Clerk {
    ///     #[on("double")]
    ///     async fn double(&self, peer: &Peer, event: serde_json::Value) -> Result<u64> {
    ///         let number = event["number"].as_u64().filter(|number| *number < 1000);
    ///         number.map(|number| 2 * number).ok_or_else(|| Error::answer("too_large", "expected at most 999"))
    ///     }
    /// }
    /// # App::new().route(Clerk).check().unwrap();
    /// ```
    pub fn answer(code: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::build(ErrorKind::Answer, message);
        error.0.code = Some(code.into().into());
        error
    }

    /// What the peer has answered, which may be of any length.
    pub(crate) fn refused_by_peer(code: Option<String>, message: Option<String>) -> Self {
        let [code, mut message] =
            [code.unwrap_or("error".into()), message.unwrap_or("the peer refused to answer".into())];
        shorten(&mut message);
        Self::answer(code.chars().take(LONGEST_COMPLAINT).collect::<String>(), message)
    }

    /// Notes the id that an invalid message has.
    pub(crate) fn asked_by(mut self, id: Option<Box<str>>) -> Self {
        self.0.asked = id;
        self
    }

    /// The id that an invalid message has, as JSON.
    pub(crate) fn asked(&self) -> Option<&str> {
        self.0.asked.as_deref()
    }

    /// A client without a connection: `cause` says why.
    #[cfg(feature = "client")]
    pub(crate) fn offline(message: String, cause: impl Into<BoxError>) -> Self {
        Self::build(ErrorKind::Offline, message).with_source(cause)
    }

    pub(crate) fn timeout(message: String) -> Self {
        Self::build(ErrorKind::Timeout, message)
    }

    /// The cause.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the peer is gone or the connection is closing. A handler that returns such an error has ended normally.
    pub fn is_disconnect(&self) -> bool {
        self.0.kind == ErrorKind::Disconnected
    }

    /// Whether a limit of time has passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == ErrorKind::Timeout
    }

    /// Whether a limit of rooms was reached.
    pub fn is_limit(&self) -> bool {
        self.0.kind == ErrorKind::Limit
    }

    /// Whether a message could not be stored or read.
    pub fn is_storage(&self) -> bool {
        self.0.kind == ErrorKind::Storage
    }

    /// Whether the broker could not be reached, or did not take a message.
    pub fn is_broker(&self) -> bool {
        self.0.kind == ErrorKind::Broker
    }

    /// Whether it is an answer to who has asked.
    pub fn is_answer(&self) -> bool {
        self.0.kind == ErrorKind::Answer
    }

    /// The code of an answer.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// Whether a client (`sockeye::client`) has no connection. [`downcast_ref`](Self::downcast_ref) gives its `Cause`.
    pub fn is_offline(&self) -> bool {
        self.0.kind == ErrorKind::Offline
    }

    /// Whether the message that came was of the wrong kind, not JSON, or of the wrong shape.
    pub fn is_invalid_message(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidMessage | ErrorKind::UnexpectedKind)
    }

    /// The peer's close frame, if the error is a disconnect and the peer sent one with a code.
    ///
    /// `None` is what a browser calls 1005 (a close frame without a code) or 1006 (no close frame at all).
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        if self.is_disconnect() { self.0.close.as_ref() } else { None }
    }

    /// The close frame that the error asks for when it ends a handler.
    pub(crate) fn wanted_close(&self) -> Option<&CloseFrame> {
        ErrorView(&self.0).wanted_close()
    }

    /// The error as a boxed standard one.
    pub fn into_boxed(self) -> BoxError {
        self.into()
    }

    /// The wrapped error, if it is a `T`.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.source.as_deref().and_then(|source| source.downcast_ref())
    }

    /// Finds a Sockeye error in any error's chain of sources.
    pub(crate) fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<ErrorView<'a>> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(repr) = error.downcast_ref::<Repr>() {
                return Some(ErrorView(repr));
            }
            next = error.source();
        }
        None
    }
}

fn shorten(text: &mut String) {
    if let Some((cut, _)) = text.char_indices().nth(LONGEST_COMPLAINT) {
        text.truncate(cut);
        text.push('…');
    }
}

/// A borrowed look at a Sockeye error that was wrapped by another type.
pub(crate) struct ErrorView<'a>(&'a Repr);

impl<'a> ErrorView<'a> {
    pub(crate) fn is_disconnect(&self) -> bool {
        self.0.kind == ErrorKind::Disconnected
    }

    /// Code and message of an answer.
    pub(crate) fn answer(&self) -> Option<(&'a str, &'a str)> {
        self.0.code.as_deref().map(|code| (code, &*self.0.message))
    }

    /// The close frame that the error asks for when it ends a handler.
    pub(crate) fn wanted_close(&self) -> Option<&'a CloseFrame> {
        if self.is_disconnect() { None } else { self.0.close.as_ref() }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::other(error)
    }
}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        error.0
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        error.0
    }
}

#[cfg(feature = "anyhow")]
impl From<Error> for anyhow::Error {
    fn from(error: Error) -> Self {
        Self::new(*error.0)
    }
}

impl Deref for Error {
    type Target = dyn StdError + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl AsRef<dyn StdError + Send + Sync> for Error {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &**self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The message and its causes, a line each: what `main` prints when it returns the error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = StdError::source(&*self.0);
        while let Some(cause) = next {
            write!(f, "\n  caused by: {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.kind) {
            // A foreign error speaks for itself.
            (Some(source), ErrorKind::Other) => source.fmt(f),
            _ => f.write_str(&self.message),
        }
    }
}

impl fmt::Debug for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl StdError for Repr {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        match self.kind {
            // Its text is ours already: the chain goes on behind it.
            ErrorKind::Other => source.source(),
            ErrorKind::Bind | ErrorKind::InvalidMessage | ErrorKind::Offline => None,
            _ => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_at_most_two_words_wide() {
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }

    #[test]
    fn survives_a_trip_through_boxes() {
        let boxed: BoxError = Error::disconnected(None).into();
        assert!(Error::other(boxed).is_disconnect());
        let boxed: BoxError = Error::disconnected(None).into();
        assert!(Error::find(&*boxed).is_some_and(|found| found.is_disconnect()));
    }

    #[cfg(feature = "anyhow")]
    #[test]
    fn question_mark_works_into_anyhow() {
        fn inner() -> anyhow::Result<()> {
            Err(Error::disconnected(None))?;
            Ok(())
        }
        assert!(inner().unwrap_err().downcast_ref::<Repr>().is_some_and(|r| r.kind == ErrorKind::Disconnected));
    }
}
