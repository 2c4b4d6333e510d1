//! A socket that was refused.

use std::fmt;

use ::http::StatusCode;

use super::{TestResponse, TestSocket};
use crate::error::Error;

/// Why a socket did not open.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The app gave an HTTP answer instead of 101. A browser sees close code 1006 and no more.
    Denied(Box<TestResponse>),
    /// There was no answer.
    Failed(Error),
}

impl Refused {
    /// The answer, if there was one.
    pub fn response(&self) -> Option<&TestResponse> {
        match self {
            Self::Denied(response) => Some(response),
            Self::Failed(_) => None,
        }
    }

    /// The answer's status, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(TestResponse::status)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(response) => write!(f, "the socket was refused: {response}"),
            Self::Failed(error) => write!(f, "the socket did not open: {error}"),
        }
    }
}

impl std::error::Error for Refused {}

/// Questions to the result of [`SocketRequest::connect`](super::SocketRequest::connect).
pub trait ConnectExt {
    /// Asserts that the socket was refused with this status before the upgrade, and gives the answer.
    ///
    /// # Panics
    ///
    /// If it was opened, or refused otherwise.
    #[track_caller]
    fn expect_denied(self, status: u16) -> TestResponse;
}

impl ConnectExt for Result<TestSocket, Refused> {
    #[track_caller]
    fn expect_denied(self, status: u16) -> TestResponse {
        match self {
            Err(Refused::Denied(response)) if response.status() == status => *response,
            Err(other) => panic!("expected a refusal with {status}, but {other}"),
            Ok(socket) => panic!("expected a refusal with {status}, but {} was opened", socket.path()),
        }
    }
}
