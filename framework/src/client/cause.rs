//! Why there is no connection.

use std::{fmt, time::Duration};

use ::http::StatusCode;

use crate::{
    error::Error,
    ws::{CloseCode, CloseFrame, Text},
};

/// Why a client has no connection.
///
/// It is also behind the errors for which [`Error::is_offline`](crate::Error::is_offline) is true:
///
/// ```
/// use sockeye::{Error, client::Cause};
///
/// fn should_log_in(error: &Error) -> bool {
///     matches!(error.downcast_ref::<Cause>(), Some(Cause::Refused { status, .. }) if status.as_u16() == 401)
/// }
/// # assert!(!should_log_in(&Error::other("x")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The client itself was told to end, or was dropped.
    Asked,
    /// The server has closed the connection. `None`: with a close frame that has no code (1005).
    Closed(Option<CloseFrame>),
    /// The server answered the handshake with something else than a socket.
    #[non_exhaustive]
    Refused {
        /// The status of its HTTP answer.
        status: StatusCode,
        /// The beginning of the answer's body, as far as it had come.
        body: Text,
        /// How long it asks to wait (`Retry-After` in seconds, RFC 9110 section 10.2.3).
        retry_after: Option<Duration>,
    },
    /// A message came that is larger than [`Builder::max_message`](super::Builder::max_message).
    #[non_exhaustive]
    TooLarge {
        /// Its bytes, or those that were seen of it.
        size: usize,
        /// The bytes that it may have.
        limit: usize,
    },
    /// Nothing came any more, not even an answer to a ping.
    Silent,
    /// No connection could be made, or it broke off without a close frame: the text says how.
    Lost(Text),
}

impl Cause {
    pub(super) fn lost(text: impl fmt::Display) -> Self {
        Self::Lost(Text::from(text.to_string()))
    }

    /// Whether another attempt makes sense, as far as nobody says otherwise ([`Builder::retry`](super::Builder::retry)).
    ///
    /// It makes none after the close codes 1008 and 4000 to 4999, after HTTP statuses from 400 to 499 but 408, 425 and
    /// 429, after a message that was too large, for it would come again, and when the client itself was told to end.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Asked | Self::TooLarge { .. } => false,
            Self::Closed(Some(frame)) => {
                frame.code != CloseCode::POLICY && !(4000..=4999).contains(&frame.code.as_u16())
            }
            Self::Refused { status, .. } => !status.is_client_error() || matches!(status.as_u16(), 408 | 425 | 429),
            Self::Closed(None) | Self::Silent | Self::Lost(_) => true,
        }
    }

    /// The server's close frame, if it sent one with a code.
    pub fn close_frame(&self) -> Option<&CloseFrame> {
        match self {
            Self::Closed(frame) => frame.as_ref(),
            _ => None,
        }
    }

    /// As an error, by which it can be told from those of other kinds.
    pub(super) fn into_error(self) -> Error {
        Error::offline(self.to_string(), self)
    }

    /// What the server is told before the connection is dropped over this.
    pub(super) fn farewell(&self) -> Option<CloseFrame> {
        match self {
            Self::TooLarge { .. } => Some(CloseFrame { code: CloseCode::TOO_LARGE, reason: self.to_string().into() }),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("the client was closed"),
            Self::Closed(Some(frame)) => write!(f, "the server has closed the connection: {frame}"),
            Self::Closed(None) => f.write_str("the server has closed the connection without a code (1005)"),
            Self::Refused { status, body, .. } if body.is_empty() => write!(f, "the server refused: {status}"),
            Self::Refused { status, body, .. } => write!(f, "the server refused: {status}: {body}"),
            Self::TooLarge { size, limit } => {
                write!(f, "expected messages of at most {limit} bytes, got one of {size}: `max_message` sets the limit")
            }
            Self::Silent => f.write_str("the server is silent: it does not even answer a ping"),
            Self::Lost(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Cause {}
