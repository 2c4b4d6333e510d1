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

use super::{Built, accept::asked_to_stop, dispatch, follow::Head, http2, secure, upgrade, wire::Wire};
use crate::{
    config::Limits,
    extract::PeerAddr,
    http::{Body, IntoResponse, Problem, Response, Unending},
    tls::Acceptor,
    ws::{self, Stream},
};

/// Room for the parser; our own, smaller limits are checked afterwards, where each has its own status.
const PARSER_BUFFER: usize = 512 * 1024;

/// What is kept for as long as the connection is open, as HTTP or as a socket.
pub(crate) type Guard = Arc<dyn Any + Send + Sync>;

/// Who is at the other end of a connection, and what for.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    pub(crate) built: Arc<Built>,
    pub(crate) stopping: watch::Receiver<Option<Duration>>,
    pub(crate) guard: Guard,
    /// The connection is encrypted by ourselves.
    pub(crate) secure: bool,
}

impl Caller {
    /// Puts into a request what is known of its connection.
    pub(super) fn introduce<B>(&self, request: &mut Request<B>) {
        request.extensions_mut().insert(PeerAddr(self.peer));
        if self.secure {
            request.extensions_mut().insert(ws::Secure);
        }
    }

    /// Answers a request. An answer that would go on for ever ends when the server stops, and does not hold it up.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response {
        let mut response = dispatch(&self.built, request.map(Body::new)).await;
        let mut stopping = self.stopping.clone();
        match response.extensions_mut().remove::<Unending>() {
            Some(Unending) => response.map(|body| {
                body.until(async move {
                    asked_to_stop(&mut stopping).await;
                })
            }),
            None => response,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.built.context.limits
    }
}

pub(super) async fn serve_tcp(stream: TcpStream, caller: Caller, tls: Option<Acceptor>) {
    // Small frames must not wait for the acknowledgement of earlier ones.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "can't set TCP_NODELAY");
    }
    // hyper's own clock starts with the head.
    let (mut stopped, mut start) = (caller.stopping.clone(), [0; http2::SIGN.len()]);
    let first_byte = tokio::select! {
        // A byte, the end of the stream, or the end of our patience.
        first_byte = timeout(caller.limits().first_byte_timeout, stream.peek(&mut start)) => first_byte,
        // The server stops: who has asked for nothing gets nothing.
        _ = asked_to_stop(&mut stopped) => return,
    };
    match (first_byte, tls) {
        (Ok(Ok(count)), None) => http2::serve_tcp(stream, &start[..count], caller).await,
        (Ok(Ok(count)), Some(tls)) => secure::serve(stream, &start[..count], &tls, caller).await,
        (Ok(Err(error)), _) => tracing::debug!(%error, "the connection broke before its first byte"),
        (Err(_), _) => tracing::debug!(peer = %caller.peer, "no byte in time"),
    }
}

/// Serves one stream that is not TCP's to its end.
pub(crate) async fn serve_stream<S>(stream: S, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve(Wire::new(stream, caller.limits().stall_timeout), caller, |stream| Stream::Boxed(Box::new(stream))).await;
}

/// Serves one stream to its end. `socket` makes of it what a socket's driver takes.
pub(super) async fn serve<S>(wire: Wire<S>, caller: Caller, socket: fn(S) -> Stream)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = caller.built.context.limits.clone();
    let (peer, mut stopping) = (caller.peer, caller.stopping.clone());
    let heads = wire.heads();
    let service = service_fn(move |mut request: Request<Incoming>| {
        let refusal = check_framing(&request, heads.next());
        caller.introduce(&mut request);
        let guard = Some(caller.guard.clone());
        upgrade::prepare(&mut request, guard, move |upgraded| upgrade::open_own(upgraded, socket));
        let caller = caller.clone();
        async move {
            Ok::<_, Infallible>(match refusal {
                Some(refusal) => refusal,
                None => caller.answer(request).await,
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
