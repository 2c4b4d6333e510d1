//! The table of refusals: one small constructor per cause.

use std::borrow::Cow;

use ::http::StatusCode;

use super::{ParamError, ValueError, param::shorten_to};
use crate::http::{IntoResponse, Problem, Response};

/// Why Sockeye's own extractors refuse a request; sent as `application/problem+json`.
///
/// The problem has `status`, a stable `code`, a `detail` for people, and where it applies `place` (`path`, `query`,
/// `header`, `cookie`, `body`), `name` and `reason`.
#[derive(Debug)]
pub struct Rejection(Box<Problem>);

impl Rejection {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Problem::new(status, code, detail)))
    }

    /// The status that it is sent with.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The stable code: `invalid_path`, `invalid_query`, `invalid_header`, `invalid_cookie`, `invalid_body`, …
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// What a person reads.
    pub fn detail(&self) -> &str {
        self.0.detail()
    }

    /// 404: there is nothing at a path whose parameter does not parse.
    pub(crate) fn path(name: &str, error: &ParamError) -> Self {
        let detail = format!("path parameter `{name}`: {error}");
        let problem = Problem::new(StatusCode::NOT_FOUND, "invalid_path", detail);
        Self(Box::new(problem.culprit("path", name.to_owned(), error.to_string())))
    }

    pub(crate) fn query(name: &str, error: &ValueError) -> Self {
        Self::value("query", "invalid_query", name, error.to_string())
    }

    pub(crate) fn header(name: &str, error: &ValueError) -> Self {
        Self::value("header", "invalid_header", name, error.to_string())
    }

    pub(crate) fn cookie(name: &str, error: &ValueError) -> Self {
        Self::value("cookie", "invalid_cookie", name, error.to_string())
    }

    /// A query that does not fit a `Query<T>`.
    pub(crate) fn query_shape(error: &serde_html_form::de::Error) -> Self {
        let reason = error.to_string();
        Self::value("query", "invalid_query", quoted(&reason).unwrap_or_default(), reason.clone())
    }

    fn value(place: &'static str, code: &'static str, name: &str, reason: String) -> Self {
        let detail = match name {
            "" => format!("{place}: {reason}"),
            name => format!("{place} `{name}`: {reason}"),
        };
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        Self(Box::new(problem.culprit(place, name.to_owned(), reason)))
    }

    /// A path that does not fit a `Path<T>`.
    pub(crate) fn path_shape(error: &str) -> Self {
        let problem = Problem::new(StatusCode::NOT_FOUND, "invalid_path", format!("path: {error}"));
        Self(Box::new(problem.culprit("path", "", error.to_owned())))
    }

    pub(crate) fn json(error: &serde_json::Error) -> Self {
        // It may quote the client, who may have sent a megabyte.
        let reason = shorten_to(500, &error.to_string()).into_owned();
        if error.is_data() {
            let name = shorten_to(40, quoted(&reason).unwrap_or_default());
            return Self::value("body", "invalid_body", &name, reason.clone());
        }
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_json", format!("the body is not JSON: {reason}"));
        Self(Box::new(problem.culprit("body", "", reason)))
    }

    pub(crate) fn media_type(expected: &'static str, came: &str) -> Self {
        let detail = match came {
            "" => format!("expected the header `Content-Type: {expected}`, got none"),
            came => format!("expected the header `Content-Type: {expected}`, got `{came}`"),
        };
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    pub(crate) fn body_taken() -> Self {
        let text = "the body was read already: only one argument or layer may take it";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "body_taken", text)
    }

    pub(crate) fn body_too_large(limit: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", format!("the body has more than {limit} bytes"))
    }

    pub(crate) fn body_too_slow(limit: std::time::Duration) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", format!("the body took longer than {limit:?}"))
    }

    pub(crate) fn body_broken(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "body_broken", format!("the body broke off: {error}"))
    }

    /// Something that the app should have provided is not there: our fault, not the client's.
    pub(crate) fn not_provided(what: &'static str, type_name: &str, how: &str) -> Self {
        tracing::error!(type_name, "{what} was never provided: {how}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "not_provided", format!("the server lacks a {what}"))
    }
}

/// The first word in backticks: serde names the field that way.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
