//! HTTP/2 (RFC 9113): from a connection to its requests, and WebSocket as an extended CONNECT (RFC 8441).

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use ::http::{HeaderValue, Method, Request, StatusCode, Version, header};
use hyper::{
    body::{Body as _, Incoming},
    ext::Protocol,
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    accept::asked_to_stop,
    connection::{self, Caller},
    upgrade,
    wire::Wire,
};
use crate::{
    config::Limits,
    http::{Body, IntoResponse, Opens, Problem, Response, internal_error},
    ws::{self, Stream},
};

/// What is agreed on over TLS (RFC 7301), the best first.
pub(super) const ALPN: &[&[u8]] = &[b"h2", b"http/1.1"];

/// How a connection that speaks HTTP/2 begins. No request of HTTP/1.1 does: the method is reserved (RFC 9113 section 11.6).
pub(super) const SIGN: &[u8] = b"PRI ";

/// Bytes that a client may send on one stream before they are taken. Of a connection it is that for each stream, so that
/// those that nobody reads from do not stop the others.
const WINDOW: u32 = 64 * 1024;

/// Bytes of one stream that wait until the connection takes them.
const SEND_BUFFER: usize = 64 * 1024;

/// Time for the last bytes, once there is nothing more to do.
const LINGER: Duration = Duration::from_secs(1);

/// Serves what has begun with `start`, which was looked at and not taken.
pub(super) async fn serve_tcp(mut stream: TcpStream, start: &[u8], caller: Caller) {
    let mut stopped = caller.stopping.clone();
    let (first, patience) = (caller.limits().first_byte_timeout, caller.limits().stall_timeout);
    let sniffed = tokio::select! {
        sniffed = timeout(first, sniff(&mut stream, start)) => sniffed,
        _ = asked_to_stop(&mut stopped) => return,
    };
    match sniffed {
        Ok(Ok((early, true))) => serve(Wire::unfollowed(stream, early, patience), caller).await,
        Ok(Ok((early, false))) => {
            connection::serve(Wire::with_early(stream, early, patience), caller, Stream::Tcp).await
        }
        Ok(Err(error)) => tracing::debug!(%error, "the connection broke in its first bytes"),
        Err(_) => tracing::debug!(peer = %caller.peer, "the first bytes took too long"),
    }
}

/// Serves what speaks the protocol that was agreed on, if there was one.
pub(super) async fn serve_agreed<S>(stream: S, protocol: Option<&[u8]>, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if protocol == Some(b"h2") {
        let patience = caller.limits().stall_timeout;
        serve(Wire::unfollowed(stream, Vec::new(), patience), caller).await;
    } else {
        connection::serve_stream(stream, caller).await;
    }
}

/// Whether it is HTTP/2, and the bytes that were taken to know.
///
/// Nearly always what has come tells. If it is too short for that, the rest can't be waited for without taking it.
async fn sniff(stream: &mut TcpStream, start: &[u8]) -> io::Result<(Vec<u8>, bool)> {
    if start.len() == SIGN.len() || !SIGN.starts_with(start) {
        return Ok((Vec::new(), start == SIGN));
    }
    let mut early = Vec::with_capacity(SIGN.len());
    while early.len() < SIGN.len() && SIGN.starts_with(&early) {
        if (&mut *stream).take((SIGN.len() - early.len()) as u64).read_buf(&mut early).await? == 0 {
            break;
        }
    }
    let is_http2 = early == SIGN;
    Ok((early, is_http2))
}

/// Serves one connection to its end.
async fn serve<S>(wire: Wire<S>, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let limits = caller.built.context.limits.clone();
    let (peer, mut stopping) = (caller.peer, caller.stopping.clone());
    let work = Work::default();
    let counts = work.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request, caller.clone(), counts.begin());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let connection = settings(&limits, work.clone()).serve_connection(TokioIo::new(wire), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        // The client is done.
        served = connection.as_mut() => served,
        // Nobody wants anything: as with HTTP/1.1, a connection is not kept for that.
        () = work.none_for(limits.head_timeout) => {
            connection.as_mut().graceful_shutdown();
            end(connection, &work).await
        }
        // The server stops: the requests that run are the last.
        _ = asked_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            end(connection, &work).await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "the HTTP/2 connection ended early");
    }
}

/// The end of a connection after our GOAWAY (RFC 9113 section 6.8): at the latest when there has been nothing to do for a
/// while, whatever the client answers.
async fn end(connection: impl Future<Output = hyper::Result<()>>, work: &Work) -> hyper::Result<()> {
    tokio::select! {
        served = connection => served,
        () = work.none_for(LINGER) => Ok(()),
    }
}

fn settings(limits: &Limits, work: Work) -> http2::Builder<Work> {
    let mut builder = http2::Builder::new(work);
    // Each line counts 32 bytes more here (RFC 9113 section 6.5.2). Our own limits are checked afterwards, where each has
    // its own status.
    let head = limits.max_headers.saturating_mul(32).saturating_add(limits.max_header_bytes).saturating_mul(2);
    builder
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(limits.max_streams)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW.saturating_mul(limits.max_streams).clamp(WINDOW, i32::MAX as u32))
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
        // Sockets have a heartbeat of their own. This is for a peer that is gone while a stream waits for it.
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.pong_timeout);
    builder
}

/// Answers one request of one stream.
async fn answer(mut request: Request<Incoming>, caller: Caller, work: Begun) -> Response {
    if let Some(refusal) = settle_host(&mut request) {
        return refusal.into_response();
    }
    caller.introduce(&mut request);
    // A socket counts as work for as long as it is open.
    let guard = Arc::new((caller.guard.clone(), work));
    upgrade::prepare(&mut request, Some(guard), upgrade::open_foreign);
    let (is_head, is_socket) = (request.method() == Method::HEAD, request.method() == Method::CONNECT);
    let mut response = caller.answer(request).await;
    if is_head {
        response = without_body(response);
    }
    let is_stopping = caller.stopping.borrow().is_some();
    if is_socket && is_stopping {
        // What the server's end has not closed, since it was opened only now.
        caller.built.context.sockets.close_all().await;
    }
    // RFC 9113 section 8.2.2: they speak of a connection that is ours alone.
    for name in [header::CONNECTION, header::UPGRADE] {
        response.headers_mut().remove(name);
    }
    response
}

/// The answer to HEAD has no body and speaks of the one that GET would get (RFC 9110 section 9.3.2). hyper sees to it over
/// HTTP/1.1 only.
fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    response.map(|_| Body::default())
}

/// `:authority` is what `Host` was (RFC 9113 section 8.3.1): who asks for one gets it, whatever HTTP it came over.
fn settle_host<B>(request: &mut Request<B>) -> Option<Problem> {
    let authority = request.uri().authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    let host = request.headers().get(header::HOST);
    let text = match (authority, host) {
        (Some(authority), None) => {
            request.headers_mut().insert(header::HOST, authority);
            return None;
        }
        (Some(authority), Some(host)) if !authority.as_bytes().eq_ignore_ascii_case(host.as_bytes()) => {
            "expected the same in `:authority` and `Host`"
        }
        (None, None) => "expected `:authority`, or the header `Host`",
        _ => return None,
    };
    Some(Problem::new(StatusCode::BAD_REQUEST, "bad_host", text))
}

/// Notes that a request asks for a WebSocket, the way of RFC 8441 section 5.
pub(super) fn recognize<B>(request: &mut Request<B>) -> Result<(), Response> {
    if request.version() != Version::HTTP_2 || request.method() != Method::CONNECT {
        return Ok(());
    }
    match request.extensions().get::<Protocol>() {
        Some(protocol) if protocol.as_str().eq_ignore_ascii_case("websocket") => {
            request.extensions_mut().insert(ws::ExtendedConnect);
            Ok(())
        }
        other => {
            let got = other.map_or("none", Protocol::as_str);
            let text = format!("expected a CONNECT with `:protocol` `websocket`, got `{got}`");
            Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "unknown_protocol", text).into_response())
        }
    }
}

/// RFC 8441 section 5: a status of 2xx opens the socket. Where none was accepted, whoever has answered so (an extractor, a
/// layer, `deny`) has meant to refuse: the client must not believe that there is a socket.
pub(super) fn opened(response: Response) -> Response {
    let status = response.status();
    if !status.is_success() || response.extensions().get::<Opens>().is_some() {
        return response;
    }
    tracing::error!("expected a status from 300 on to refuse a socket over HTTP/2, got {status}: 500 is sent");
    internal_error()
}

/// What is under way on a connection: requests, answers that are being sent, sockets. It also runs them, each in a task.
#[derive(Clone, Debug, Default)]
struct Work(watch::Sender<usize>);

/// One of them; dropped, it is done.
#[derive(Debug)]
struct Begun(Work);

impl Work {
    fn begin(&self) -> Begun {
        self.0.send_modify(|count| *count += 1);
        Begun(self.clone())
    }

    /// Waits until there has been nothing for so long.
    async fn none_for(&self, time: Duration) {
        let mut count = self.0.subscribe();
        loop {
            // The sender is our own.
            drop(count.wait_for(|count| *count == 0).await);
            tokio::select! {
                // A stream was opened.
                _ = count.changed() => {}
                () = sleep(time) => return,
            }
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Work {
    fn execute(&self, future: F) {
        let begun = self.begin();
        tokio::spawn(async move {
            let _begun = begun;
            future.await;
        });
    }
}
