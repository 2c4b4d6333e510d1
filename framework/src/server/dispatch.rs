//! From a request to its route, and the answers for those that have none.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use ::http::{HeaderValue, Method, Request, StatusCode, Uri, Version, header, uri::Authority};

use super::{Built, http2, upgrade};
use crate::{
    config::Limits,
    extract::{PathValues, PeerAddr},
    http::{Body, Failure, IntoResponse, Problem, Response, Unending, server_error},
    route::{Found, Matched, Target},
    ws,
};

/// Answers one request.
pub(crate) async fn dispatch(built: &Arc<Built>, request: Request<Body>) -> Response {
    let path = request.uri().clone();
    let peer = request.extensions().get::<PeerAddr>().map(|peer| peer.0);
    let mut response = answer(built, request).await;
    if let Some(Failure(message)) = response.extensions_mut().remove::<Failure>() {
        built.context.sockets.failures.note(peer, path.path(), &message);
    }
    if response.extensions().get::<Unending>().is_none() {
        return response;
    }
    let context = built.context.clone();
    response.map(|body| body.on_error(move |error| context.sockets.failures.note(peer, path.path(), error)))
}

async fn answer(built: &Arc<Built>, mut request: Request<Body>) -> Response {
    if let Err(refusal) = check(&request, &built.context.limits) {
        return refusal.into_response();
    }
    // A request that comes through another server, axum's say, still has hyper's own handle.
    upgrade::prepare(&mut request, None, upgrade::open_foreign);
    if let Err(refusal) = http2::recognize(&mut request) {
        return refusal;
    }
    match built.table.find(request.method(), request.uri().path(), ws::wants_socket(&request)) {
        Found::Route(target, path) => {
            let matched = Matched { context: built.context.clone(), path, refusal: None };
            call(target.clone(), request, matched).await
        }
        Found::Refused(refusal, target) => {
            let path = PathValues::default();
            let matched = Matched { context: built.context.clone(), path, refusal: Some(refusal) };
            call(target.clone(), request, matched).await
        }
        Found::Mount(service, path) => {
            *request.uri_mut() = with_path(request.uri(), &path);
            caught(service.call(request)).await
        }
        Found::UpgradeRequired => ws::upgrade_required(request.version(), request.headers()),
        Found::Nothing => {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path").into_response()
        }
        Found::BadPath => {
            let text = "expected a path of UTF-8 with well-formed escapes and without NUL";
            Problem::new(StatusCode::BAD_REQUEST, "bad_path", text).into_response()
        }
    }
}

async fn call(target: Target, mut request: Request<Body>, matched: Matched) -> Response {
    let connects = request.method() == Method::CONNECT;
    let response = match target {
        Target::Leaf(leaf) => caught(leaf.call(request, matched)).await,
        Target::Layered(service) => {
            request.extensions_mut().insert(matched);
            caught(service.call(request)).await
        }
    };
    if connects { http2::opened(response) } else { response }
}

/// The limits that hold before anything else is looked at.
fn check(request: &Request<Body>, limits: &Limits) -> Result<(), Problem> {
    let path = request.uri().path().len();
    if path > limits.max_path {
        let text = format!("expected a path of at most {} bytes, got {path}", limits.max_path);
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "path_too_long", text));
    }
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers > limits.max_header_bytes {
        let text = format!("expected at most {} bytes of header lines, got {headers}", limits.max_header_bytes);
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", text));
    }
    let lines = request.headers().len();
    if lines > limits.max_headers {
        let text = format!("expected at most {} header lines, got {lines}", limits.max_headers);
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", text));
    }
    let separators = request.uri().query().map_or(0, |query| query.bytes().filter(|byte| *byte == b'&').count());
    if separators >= limits.max_query_params {
        let text = format!("expected at most {} query parameters", limits.max_query_params);
        return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_query_parameters", text));
    }
    check_host(request).map_or(Ok(()), Err)
}

/// RFC 9112 section 3.2: HTTP/1.1 has a valid host exactly once, even where the target is absolute and names one too.
fn check_host(request: &Request<Body>) -> Option<Problem> {
    let hosts = request.headers().get_all(header::HOST);
    let count = hosts.iter().count();
    let text = if request.version() == Version::HTTP_11 && count != 1 {
        format!("expected the header `Host` once, got it {count} times")
    } else if !hosts.iter().all(is_host) {
        "expected a host name or address in the header `Host`, and a port at most".to_owned()
    } else {
        return None;
    };
    Some(Problem::new(StatusCode::BAD_REQUEST, "bad_host", text))
}

/// RFC 9110 section 7.2: a host and maybe a port, no user. It may be empty.
fn is_host(value: &HeaderValue) -> bool {
    if value.is_empty() {
        return true;
    }
    let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
    let port = authority.as_str().strip_prefix(authority.host());
    port.is_some_and(|port| port.strip_prefix(':').unwrap_or(port).bytes().all(|byte| byte.is_ascii_digit()))
}

/// A panic in a handler is a 500 and takes nothing else down.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
        Ok(polled) => polled,
        Err(payload) => Poll::Ready(panicked(&*payload)),
    })
    .await
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> Response {
    let message = ws::panic_message(payload);
    tracing::error!("a handler panicked: {message}");
    server_error(format!("panicked: {message}"))
}

/// The URI with another path and the same query.
fn with_path(uri: &Uri, path: &str) -> Uri {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = target.parse().ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
