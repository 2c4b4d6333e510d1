//! From hyper's upgrade to a stream for the driver.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use ::http::Request;
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{connection::Guard, wire::Wire};
use crate::ws::{Attached, Stream, UpgradeHandle};

/// Puts our own handle beside hyper's in the request, unless it is there. `open` takes the stream out of what hyper gives back, with
/// the bytes that hyper has read beyond the request: they may hold the first frames.
pub(super) fn prepare<B, O>(request: &mut Request<B>, guard: Option<Guard>, open: O)
where
    O: FnOnce(Upgraded) -> (Stream, Bytes) + Send + 'static,
{
    // hyper's own stays: a mounted service may want it. Only one of the two gets the stream.
    let Some(on_upgrade) = request.extensions().get::<OnUpgrade>().cloned() else { return };
    if request.extensions().get::<UpgradeHandle>().is_some() {
        return;
    }
    let upgrading = Box::pin(async move {
        let upgraded = on_upgrade.await.map_err(io::Error::other)?;
        let (stream, early) = open(upgraded);
        Ok(Attached { stream, early, guard })
    });
    request.extensions_mut().insert(UpgradeHandle(Arc::new(Mutex::new(Some(upgrading)))));
}

/// A stream that our own server has given to hyper.
pub(super) fn open_own<S>(upgraded: Upgraded, stream: fn(S) -> Stream) -> (Stream, Bytes)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    match upgraded.downcast::<TokioIo<Wire<S>>>() {
        Ok(parts) => (stream(parts.io.into_inner().into_stream()), parts.read_buf),
        Err(upgraded) => open_foreign(upgraded),
    }
}

/// A stream of another server, axum's say. Any but TCP stays in its box, which gives the bytes beyond the request first.
pub(super) fn open_foreign(upgraded: Upgraded) -> (Stream, Bytes) {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => (Stream::Tcp(parts.io.into_inner()), parts.read_buf),
        Err(upgraded) => (Stream::Boxed(Box::new(Portions(TokioIo::new(upgraded)))), Bytes::new()),
    }
}

/// Bytes that are given away at once.
const PORTION: usize = 16 * 1024;

/// A stream that takes all that it is given, however much: it gets a portion at a time, and the rest waits in the outbox,
/// where it is counted.
struct Portions<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Portions<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Portions<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, &bytes[..bytes.len().min(PORTION)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
