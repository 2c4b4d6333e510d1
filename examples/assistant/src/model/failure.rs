//! Why there is no answer.

use std::{fmt, time::Duration};

use sockeye::StatusCode;

/// What went wrong with the model's server. The client reads it: nothing of what the server said is in it, which may quote
/// the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Unreachable,
    Refused(StatusCode),
    NotAStream,
    Silent(Duration),
    Broken,
    Garbled,
    Reported,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the model's server can't be reached"),
            Self::Refused(status) => write!(f, "the model's server refused to answer: {status}"),
            Self::NotAStream => f.write_str("expected a stream of events from the model's server, got another answer"),
            Self::Silent(time) => write!(f, "the model's server said nothing for {} s", time.as_secs()),
            Self::Broken => f.write_str("the model's server broke off in the middle of its answer"),
            Self::Garbled => f.write_str("the model's server sent something that is no part of an answer"),
            Self::Reported => f.write_str("the model's server reported an error in the middle of its answer"),
        }
    }
}
