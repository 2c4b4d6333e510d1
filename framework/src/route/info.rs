//! A route as plain data, made by the macros.

use ::http::Method;

use crate::extract::{ArgInfo, Location};
pub use crate::ws::{Invalid, RouteOptions};

/// What the macros know of a handler.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RouteInfo {
    pub kind: RouteKind,
    /// The path as written, `<param>`s and all.
    pub path: &'static str,
    pub name: &'static str,
    /// The handler's doc comment.
    pub doc: &'static str,
    pub location: Location,
    pub args: &'static [ArgInfo],
    pub options: RouteOptions,
}

/// What a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RouteKind {
    WebSocket,
    Http(HttpMethod),
}

/// The methods that a handler can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl HttpMethod {
    pub(crate) fn as_method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

impl std::fmt::Display for RouteKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WebSocket => f.write_str("WebSocket"),
            Self::Http(method) => method.as_method().fmt(f),
        }
    }
}
