//! The request that extractors see.

use std::{
    any::{Any, TypeId},
    borrow::Cow,
    fmt,
    net::SocketAddr,
    sync::Arc,
};

use ::http::{Extensions, HeaderMap, Method, Uri, request::Parts};
use bytes::Bytes;

use super::{PeerAddr, Rejection, TypeMap};
use crate::{
    config::Limits,
    http::{Body, BodyError},
    rt::timeout,
};

/// A request on its way to a handler: its head, what the path gave, and the body until somebody takes it.
pub struct Request {
    pub(crate) parts: Parts,
    body: Option<Body>,
    pub(crate) scope: Scope,
    /// The values of dependencies that were resolved, by the dependency's type.
    pub(crate) resolved: Vec<(TypeId, Box<dyn Any + Send + Sync>)>,
}

/// What routing and the app add to a request.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) states: Arc<TypeMap>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) path: PathValues,
}

/// The path's parameters, decoded, in the order of the path.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathValues(pub(crate) Vec<(Arc<str>, PathValue)>);

/// One parameter's value.
#[derive(Clone, Debug)]
pub(crate) enum PathValue {
    One(String),
    /// What `<rest..>` took, segment by segment.
    Rest(Vec<String>),
}

impl PathValue {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::One(text) => Cow::Borrowed(text),
            Self::Rest(segments) => Cow::Owned(segments.join("/")),
        }
    }
}

impl PathValues {
    pub(crate) fn get(&self, name: &str) -> Option<&PathValue> {
        self.0.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }
}

impl Request {
    pub(crate) fn new(parts: Parts, body: Body, scope: Scope) -> Self {
        Self { parts, body: Some(body), scope, resolved: Vec::new() }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The URI as it came.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// The header lines.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// What layers and guards have put there.
    pub fn extensions(&self) -> &Extensions {
        &self.parts.extensions
    }

    /// What layers and guards have put there.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.parts.extensions
    }

    /// A path parameter, percent-decoded. `<rest..>` comes joined by slashes.
    pub fn path_param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.scope.path.get(name).map(PathValue::text)
    }

    /// The state of type `T` that the app was given.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.scope.states.get::<T>()
    }

    /// The address of the peer, where the server knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.parts.extensions.get::<PeerAddr>().map(|peer| peer.0)
    }

    /// The body, if nobody has taken it yet.
    pub fn take_body(&mut self) -> Option<Body> {
        self.body.take()
    }

    /// Reads the whole body, up to [`Limits::max_body`] and for as long as
    /// [`Limits::body_timeout`].
    pub(crate) async fn read_body(&mut self) -> Result<Bytes, Rejection> {
        let body = self.take_body().ok_or_else(Rejection::body_taken)?;
        let Limits { max_body, body_timeout, .. } = *self.scope.limits;
        match timeout(body_timeout, body.collect(max_body)).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(BodyError::TooLarge)) => Err(Rejection::body_too_large(max_body)),
            Ok(Err(BodyError::Broken(error))) => Err(Rejection::body_broken(&*error)),
            Err(_) => Err(Rejection::body_too_slow(body_timeout)),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Header values and query may hold tokens: they stay out of logs.
        f.debug_struct("Request")
            .field("method", &self.parts.method)
            .field("path", &self.parts.uri.path())
            .field("params", &self.scope.path)
            .finish_non_exhaustive()
    }
}

/// Decodes one raw path segment: `None` for a broken escape, a NUL or what is not UTF-8.
pub(crate) fn percent_decode_segment(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let well_formed = raw.split('%').skip(1).all(|tail| {
        let digits = tail.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok()?;
    (well_formed && !decoded.contains('\0')).then_some(decoded)
}
