//! What a client tells whoever calls `next`.

use std::{fmt, time::Duration};

use super::{cause::Cause, question::Question};
use crate::{
    history::Offset,
    ws::{Message, Text},
};

/// What [`Client::next`](super::Client::next) gives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<In = Message> {
    /// A message from the server.
    Message(In),
    /// The server asks: a message with an `id`, of one of the types that [`Builder::questions`](super::Builder::questions)
    /// names. One that is dropped is not answered.
    Question(In, Question),
    /// The connection is in another state. Of several in a row, those that nobody has taken in time are left out.
    State(State),
    /// So many messages, the oldest, were dropped from the queue, for it was full while there was no connection
    /// ([`Builder::queue`](super::Builder::queue)).
    Dropped(usize),
}

/// How a client stands with its server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// An attempt to connect is under way.
    #[non_exhaustive]
    Connecting {
        /// Its number, from 1, since the last connection that lasted 5 s.
        attempt: u32,
    },
    /// The connection is open.
    #[non_exhaustive]
    Open {
        /// The server was asked for all that followed this offset.
        since: Option<Offset>,
        /// The subprotocol that was agreed on.
        subprotocol: Option<Text>,
    },
    /// There is no connection; the next attempt will be made after a while.
    #[non_exhaustive]
    Waiting {
        /// How long.
        delay: Duration,
        /// Why there is no connection.
        cause: Cause,
    },
    /// For good: nothing more comes in or goes out.
    Closed(Cause),
}

impl State {
    pub(super) fn connecting(attempt: u32) -> Self {
        Self::Connecting { attempt }
    }

    pub(super) fn open(since: Option<Offset>, subprotocol: Option<Text>) -> Self {
        Self::Open { since, subprotocol }
    }

    pub(super) fn waiting(delay: Duration, cause: Cause) -> Self {
        Self::Waiting { delay, cause }
    }

    /// Whether messages come and go.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Whether it will never change again.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Why there is no connection, if there is none and it was tried.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Waiting { cause, .. } | Self::Closed(cause) => Some(cause),
            Self::Connecting { .. } | Self::Open { .. } => None,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { attempt: 1 } => f.write_str("connecting"),
            Self::Connecting { attempt } => write!(f, "connecting, attempt {attempt}"),
            Self::Open { .. } => f.write_str("open"),
            Self::Waiting { delay, cause } => {
                write!(f, "offline, next attempt in {:.1} s: {cause}", delay.as_secs_f64())
            }
            Self::Closed(cause) => write!(f, "closed: {cause}"),
        }
    }
}
