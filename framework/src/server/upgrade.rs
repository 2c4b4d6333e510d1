//! From hyper's upgrade to a stream for the driver.

use std::{
    io,
    sync::{Arc, Mutex},
};

use ::http::Request;
use bytes::Bytes;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::connection::Guard;
use crate::ws::{Attached, Stream, UpgradeHandle};

/// Takes hyper's handle out of the request and puts ours in.
pub(super) fn prepare<B>(request: &mut Request<B>, guard: Option<Guard>) {
    let Some(on_upgrade) = request.extensions_mut().remove::<OnUpgrade>() else { return };
    let upgrading = Box::pin(async move {
        let upgraded = on_upgrade.await.map_err(io::Error::other)?;
        let (stream, early) = open(upgraded);
        Ok(Attached { stream, early, guard })
    });
    request.extensions_mut().insert(UpgradeHandle(Arc::new(Mutex::new(Some(upgrading)))));
}

/// A TCP stream is taken out of its wrappers, with the bytes that hyper has read beyond the request: they may hold the
/// first frames. Any other stream stays in its box, which gives those bytes first.
fn open(upgraded: Upgraded) -> (Stream, Bytes) {
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => (Stream::Tcp(parts.io.into_inner()), parts.read_buf),
        Err(upgraded) => (Stream::Boxed(Box::new(TokioIo::new(upgraded))), Bytes::new()),
    }
}
