//! One connection's HTTP part: until it ends or becomes a socket.

use std::{any::Any, convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use ::http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use super::{Built, accept::asked_to_stop, dispatch, upgrade};
use crate::{extract::PeerAddr, http::Body};

/// Room for the parser; our own, smaller limits are checked afterwards, where each has its own status.
const PARSER_BUFFER: usize = 512 * 1024;

/// What is kept for as long as the connection is open, as HTTP or as a socket.
pub(crate) type Guard = Arc<dyn Any + Send + Sync>;

pub(super) async fn serve_tcp(
    stream: TcpStream,
    peer: SocketAddr,
    built: Arc<Built>,
    stopping: watch::Receiver<Option<Duration>>,
    guard: Guard,
) {
    // Small frames must not wait for the acknowledgement of earlier ones.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't set TCP_NODELAY");
    }
    // hyper's own clock starts with the head.
    match timeout(built.context.limits.first_byte_timeout, stream.readable()).await {
        Ok(Ok(())) => serve_stream(stream, peer, built, stopping, guard).await,
        Ok(Err(error)) => tracing::debug!(%error, "the connection broke before its first byte"),
        Err(_) => tracing::debug!(%peer, "no byte in time"),
    }
}

/// Serves one stream to its end.
pub(crate) async fn serve_stream<S>(
    stream: S,
    peer: SocketAddr,
    built: Arc<Built>,
    mut stopping: watch::Receiver<Option<Duration>>,
    guard: Guard,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = built.context.limits.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddr(peer));
        upgrade::prepare(&mut request, Some(guard.clone()));
        let built = built.clone();
        async move { Ok::<_, Infallible>(dispatch(&built, request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.max_headers)
        .max_buf_size(PARSER_BUFFER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        // The client is done, or became a socket.
        served = connection.as_mut() => served,
        // The server stops: the request that runs is the last.
        _ = asked_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "the HTTP connection ended early");
    }
}
