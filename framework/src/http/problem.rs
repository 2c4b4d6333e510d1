//! Refusals as `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use ::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{Body, IntoResponse, Response};

/// A refusal: a status, a stable code for programs, and a text for people.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    r#type: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    /// Where the culprit is: `path`, `query`, `header`, `cookie` or `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let detail = detail.into();
        Self { r#type: "about:blank", title, status, code, detail, place: None, name: None, reason: None }
    }

    /// Names the culprit: where it is, what it is called and what is wrong with it.
    pub(crate) fn culprit(mut self, place: &'static str, name: impl Into<Cow<'static, str>>, reason: String) -> Self {
        self.place = Some(place);
        self.name = Some(name.into()).filter(|name| !name.is_empty());
        self.reason = Some(reason);
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // A struct of strings always serializes; an empty body would still carry the status.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
