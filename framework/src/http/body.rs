//! The one body type, of requests and responses alike.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

use crate::{error::BoxError, rt::BoxFuture};

/// What the body of a request or response must be to be taken: any `http_body::Body` of bytes.
pub(crate) trait MessageBody: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static {}

impl<B: http_body::Body<Data: Buf + Send, Error: Into<BoxError>> + Send + 'static> MessageBody for B {}

/// The body of a request or a response: bytes at hand, or a stream of them.
///
/// ```
/// let body = sockeye::Body::from("hello");
/// # let _ = body;
/// ```
pub struct Body(Inner);

enum Inner {
    Full(Bytes),
    Stream(BoxedBody),
}

type BoxedBody = Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>;

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyError {
    TooLarge,
    Broken(BoxError),
}

impl Body {
    /// No bytes.
    pub const fn empty() -> Self {
        Self(Inner::Full(Bytes::new()))
    }

    /// Wraps any `http_body::Body`.
    pub fn new<B>(body: B) -> Self
    where
        B: http_body::Body + Send + 'static,
        B::Data: Buf + Send,
        B::Error: Into<BoxError>,
    {
        let body = body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())));
        Self(Inner::Stream(Box::pin(body.map_err(Into::into))))
    }

    /// Says what it breaks with.
    pub(crate) fn on_error(self, mut note: impl FnMut(&str) + Send + 'static) -> Self {
        Self::new(self.map_err(move |error| {
            note(&error.to_string());
            error
        }))
    }

    /// Ends when it does, or when `end` is ready.
    pub(crate) fn until(self, end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Inner::Stream(Box::pin(Until { body: Some(self), end: Box::pin(end) })))
    }

    /// Reads it all, up to `limit` bytes.
    pub(crate) async fn collect(self, limit: usize) -> Result<Bytes, BodyError> {
        match self.0 {
            Inner::Full(bytes) if bytes.len() <= limit => Ok(bytes),
            Inner::Full(_) => Err(BodyError::TooLarge),
            Inner::Stream(body) => collect_stream(body, limit).await,
        }
    }
}

async fn collect_stream(mut body: BoxedBody, limit: usize) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() else { continue };
        if collected.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T: Into<BytesLike>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Inner::Full(bytes.into().0))
    }
}

/// What is bytes already; a type of its own so that `Body` itself is not among them.
pub struct BytesLike(Bytes);

macro_rules! bytes_like {
    ($($from:ty),*) => {$(
        impl From<$from> for BytesLike {
            fn from(from: $from) -> Self {
                Self(Bytes::from(from))
            }
        }
    )*};
}

bytes_like!(Bytes, Vec<u8>, String, &'static str, &'static [u8], crate::ws::proto::Text);

impl fmt::Debug for BytesLike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Full(bytes) => write!(f, "Body({} bytes)", bytes.len()),
            Inner::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

/// A body that may be told to end.
struct Until {
    body: Option<Body>,
    end: BoxFuture<'static, ()>,
}

impl http_body::Body for Until {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_some() && self.end.as_mut().poll(cx).is_ready() {
            self.body = None;
        }
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Inner::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Stream(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Full(bytes) => bytes.is_empty(),
            Inner::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(body) => body.size_hint(),
        }
    }
}
