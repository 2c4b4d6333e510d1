//! One connection's HTTP part: until it ends or becomes a socket.

use std::{any::Any, convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use ::http::{HeaderValue, Request, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use super::{Built, accept::asked_to_stop, dispatch, follow::Head, upgrade, wire::Wire};
use crate::{
    extract::PeerAddr,
    http::{Body, IntoResponse, Problem, Response, Unending},
    ws::Stream,
};

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
    let (mut stopped, mut byte) = (stopping.clone(), [0]);
    let first_byte = tokio::select! {
        // A byte, the end of the stream, or the end of our patience.
        first_byte = timeout(built.context.limits.first_byte_timeout, stream.peek(&mut byte)) => first_byte,
        // The server stops: who has asked for nothing gets nothing.
        _ = asked_to_stop(&mut stopped) => return,
    };
    match first_byte {
        Ok(Ok(_)) => serve(stream, peer, built, stopping, guard, Stream::Tcp).await,
        Ok(Err(error)) => tracing::debug!(%error, "the connection broke before its first byte"),
        Err(_) => tracing::debug!(%peer, "no byte in time"),
    }
}

/// Serves one stream that is not TCP's to its end.
#[cfg(feature = "testing")]
pub(crate) async fn serve_stream<S>(
    stream: S,
    peer: SocketAddr,
    built: Arc<Built>,
    stopping: watch::Receiver<Option<Duration>>,
    guard: Guard,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve(stream, peer, built, stopping, guard, |stream| Stream::Boxed(Box::new(stream))).await;
}

/// Serves one stream to its end. `socket` makes of it what a socket's driver takes.
async fn serve<S>(
    stream: S,
    peer: SocketAddr,
    built: Arc<Built>,
    mut stopping: watch::Receiver<Option<Duration>>,
    guard: Guard,
    socket: fn(S) -> Stream,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = built.context.limits.clone();
    let wire = Wire::new(stream, limits.stall_timeout);
    let heads = wire.heads();
    let server_stops = stopping.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let refusal = check_framing(&request, heads.next());
        request.extensions_mut().insert(PeerAddr(peer));
        upgrade::prepare(&mut request, Some(guard.clone()), move |upgraded| upgrade::open_own(upgraded, socket));
        let (built, server_stops) = (built.clone(), server_stops.clone());
        async move {
            Ok::<_, Infallible>(match refusal {
                Some(refusal) => refusal,
                None => end_with_server(dispatch(&built, request.map(Body::new)).await, server_stops),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.max_headers)
        .max_buf_size(PARSER_BUFFER)
        .serve_connection(TokioIo::new(wire), service)
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

/// An answer that would go on for ever ends when the server stops, and does not hold it up.
fn end_with_server(mut response: Response, mut stopping: watch::Receiver<Option<Duration>>) -> Response {
    match response.extensions_mut().remove::<Unending>() {
        Some(Unending) => response.map(|body| {
            body.until(async move {
                asked_to_stop(&mut stopping).await;
            })
        }),
        None => response,
    }
}

/// RFC 9112 section 6.1: a request with a length and chunks is refused and the connection closed. Somebody on the way may
/// have seen another end of it, and another request behind it. hyper itself goes by the chunks.
fn check_framing(request: &Request<Incoming>, head: Option<Head>) -> Option<Response> {
    let is_clear = head.is_some_and(|head| !head.is_ambiguous());
    if is_clear || !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let text = "expected either `Content-Length` or `Transfer-Encoding`, got both";
    let mut response = Problem::new(StatusCode::BAD_REQUEST, "ambiguous_length", text).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Some(response)
}
