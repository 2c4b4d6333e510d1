//! What a handler may return.

use std::{borrow::Cow, convert::Infallible};

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

use super::{Body, Problem, Response};
use crate::{
    error::{Error, ErrorKind},
    ws::proto::Text,
};

/// What can be the answer to a request.
///
/// Texts, bytes, [`Json`], [`Html`], [`Redirect`], status codes, `Option` (`None` is 404), `Result` of two answers, and
/// tuples that put a status and headers in front of one.
///
/// ```
/// use sockeye::{IntoResponse, Json, StatusCode};
///
/// let response = (StatusCode::CREATED, [("x-id", "7")], Json(7)).into_response();
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.headers()["content-type"], "application/json");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a response",
    label = "not a response",
    note = "return text, `Json<T>`, `Html`, a `StatusCode`, a tuple of them, or a `Result` of two such types",
    note = "or implement `sockeye::IntoResponse` for it"
)]
pub trait IntoResponse {
    /// The answer.
    fn into_response(self) -> Response;
}

/// JSON: as a response `application/json`, as an argument the request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// A page of HTML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Html<T>(pub T);

/// Sends the browser elsewhere.
#[derive(Clone, Debug)]
pub struct Redirect {
    status: StatusCode,
    location: HeaderValue,
}

impl Redirect {
    /// 303: fetch `location` with GET. Falls back to `/` if it holds bytes that no header may hold.
    pub fn to(location: &str) -> Self {
        Self::with(StatusCode::SEE_OTHER, location)
    }

    /// 307: the same request again, at `location`.
    pub fn temporary(location: &str) -> Self {
        Self::with(StatusCode::TEMPORARY_REDIRECT, location)
    }

    /// 308: the same request, at `location` for ever.
    pub fn permanent(location: &str) -> Self {
        Self::with(StatusCode::PERMANENT_REDIRECT, location)
    }

    fn with(status: StatusCode, location: &str) -> Self {
        let location = HeaderValue::from_str(location).unwrap_or(HeaderValue::from_static("/"));
        Self { status, location }
    }
}

fn typed(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

macro_rules! plain {
    ($($content_type:ident: $($body:ty),*;)*) => {$($(
        impl IntoResponse for $body {
            fn into_response(self) -> Response {
                typed($content_type, self)
            }
        }
    )*)*};
}

plain! {
    TEXT: &'static str, String, Text;
    BYTES: Bytes, Vec<u8>, &'static [u8];
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Body::empty())
    }
}

impl IntoResponse for Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self;
        response
    }
}

impl IntoResponse for HeaderMap {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.headers_mut() = self;
        response
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => typed("application/json", body),
            Err(error) => Error::from(error).into_response(),
        }
    }
}

impl IntoResponse for serde_json::Value {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        typed("text/html; charset=utf-8", self.0)
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().insert(header::LOCATION, self.location);
        response
    }
}

/// A limit of rooms is the client's fault, and it is told so. Any other error is logged. Of a store or a broker that is away
/// the client learns that it may try again, of the rest no more than that there was an error.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.is_limit() {
            return Problem::new(StatusCode::BAD_REQUEST, "limit", self.to_string()).into_response();
        }
        tracing::error!(error = ?self, "a handler failed");
        let away = match self.kind() {
            ErrorKind::Storage => ("storage_unavailable", "messages can't be stored or read now: try again later"),
            ErrorKind::Broker => ("broker_unavailable", "messages can't be handed on now: try again later"),
            _ => return server_error(self.to_string()),
        };
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, away.0, away.1).into_response()
    }
}

#[cfg(feature = "anyhow")]
impl IntoResponse for anyhow::Error {
    fn into_response(self) -> Response {
        tracing::error!(error = ?self, "a handler failed");
        server_error(self.to_string())
    }
}

/// What the client is not told but a test wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) String);

/// An answer that may go on for ever: a server that stops ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unending;

/// An answer that opens a socket over HTTP/2, where any status of 2xx would.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opens;

/// 500 for a handler's failure, whose cause stays here.
pub(crate) fn server_error(message: String) -> Response {
    let mut response = internal_error();
    response.extensions_mut().insert(Failure(message));
    response
}

/// 500 without a word about the cause: it may hold secrets.
pub(crate) fn internal_error() -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server failed to answer").into_response()
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(refusal) => refusal.into_response(),
        }
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        match self {
            Some(answer) => answer.into_response(),
            None => Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing").into_response(),
        }
    }
}

impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        *response.status_mut() = self.0;
        response
    }
}

impl<R: IntoResponse> IntoResponse for (HeaderMap, R) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.headers_mut().extend(self.0);
        response
    }
}

impl<K, V, const N: usize, R> IntoResponse for ([(K, V); N], R)
where
    K: TryInto<HeaderName, Error: std::fmt::Display>,
    V: TryInto<HeaderValue, Error: std::fmt::Display>,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        for (name, value) in self.0 {
            match (name.try_into(), value.try_into()) {
                (Ok(name), Ok(value)) => drop(response.headers_mut().insert(name, value)),
                (Err(error), _) => return Error::other(format!("bad header name: {error}")).into_response(),
                (_, Err(error)) => return Error::other(format!("bad header value: {error}")).into_response(),
            }
        }
        response
    }
}

impl<H, R> IntoResponse for (StatusCode, H, R)
where
    (H, R): IntoResponse,
{
    fn into_response(self) -> Response {
        (self.0, (self.1, self.2)).into_response()
    }
}
