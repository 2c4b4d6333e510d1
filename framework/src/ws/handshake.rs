//! The opening handshake, the server's side (RFC 6455 section 4.2).

use std::borrow::Cow;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header, request::Parts};

use super::{options::RouteOptions, proto};
use crate::{
    config::{Compression, Origins},
    http::{IntoResponse, Opens, Problem, Response},
};

/// A handshake that has passed all checks.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Not over HTTP/2 (RFC 8441 section 5).
    pub(crate) accept: Option<String>,
    pub(crate) protocol: Option<&'static str>,
    /// All that the client offers.
    pub(crate) offered: Vec<String>,
    /// The compression that was agreed on.
    pub(crate) deflate: Option<proto::Agreed>,
}

/// In a request's extensions: it asks for a WebSocket by an extended CONNECT (RFC 8441 section 4), in place of an upgrade.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtendedConnect;

/// In a request's extensions: it came over TLS that the server itself speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Secure;

/// Whether a request asks for a WebSocket at all, be it in part: then what is missing is said.
pub(crate) fn wants_socket<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    request.extensions().get::<ExtendedConnect>().is_some()
        || has_token(headers, &header::UPGRADE, "websocket")
        || headers.contains_key(header::SEC_WEBSOCKET_KEY)
        || headers.contains_key(header::SEC_WEBSOCKET_VERSION)
}

impl Handshake {
    /// Checks everything that can be checked before the handler's arguments.
    pub(crate) fn check(
        parts: &Parts,
        origins: &Origins,
        compression: &Compression,
        options: &RouteOptions,
    ) -> Result<Self, Response> {
        let headers = &parts.headers;
        let extended = parts.extensions.get::<ExtendedConnect>().is_some();
        if !extended {
            check_upgrade(parts)?;
        }
        if has_body(headers) {
            return Err(bad("bad_handshake", "expected a request without a body"));
        }
        check_version(headers)?;
        let accept = if extended { None } else { Some(proto::accept_key(check_key(headers)?.as_bytes())) };
        check_origin(headers, origins, parts.extensions.get::<Secure>().is_some())?;
        let offered = offered_protocols(headers);
        // The client's order is its preference (section 4.1); what goes back is our own text, never the client's.
        let known = |offer: &String| options.protocols.iter().find(|own| *own == offer).copied();
        let protocol = offered.iter().find_map(known);
        if protocol.is_none() && options.strict_protocol {
            let text = format!("expected one of these in `Sec-WebSocket-Protocol`: {}", options.protocols.join(", "));
            return Err(bad("no_common_protocol", text));
        }
        let extensions = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).into_iter().map(HeaderValue::as_bytes);
        let deflate = proto::negotiate(extensions, compression);
        Ok(Self { accept, protocol, offered, deflate })
    }
}

/// Section 4.1: GET and HTTP/1.1, with the headers of an upgrade.
fn check_upgrade(parts: &Parts) -> Result<(), Response> {
    if parts.method != Method::GET || parts.version < Version::HTTP_11 {
        let text = format!("expected `GET` over HTTP/1.1, got `{}` over {:?}", parts.method, parts.version);
        return Err(bad("bad_handshake", text));
    }
    if parts.version > Version::HTTP_11 || !missing_headers(&parts.headers).is_empty() {
        return Err(upgrade_required(parts.version, &parts.headers));
    }
    Ok(())
}

/// The answer that completes the handshake: 101, or over HTTP/2 200 (RFC 8441 section 5).
pub(crate) fn accepted(
    accept: Option<&str>,
    protocol: Option<&str>,
    deflate: Option<&proto::Agreed>,
    extra: Vec<(HeaderName, HeaderValue)>,
) -> Response {
    let status = if accept.is_some() { StatusCode::SWITCHING_PROTOCOLS } else { StatusCode::OK };
    let mut response = status.into_response();
    response.extensions_mut().insert(Opens);
    let headers = response.headers_mut();
    for (name, value) in extra {
        headers.append(name, value);
    }
    // Base64 is always a valid header value.
    if let Some(accept) = accept.and_then(|accept| HeaderValue::from_str(accept).ok()) {
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol.and_then(|protocol| HeaderValue::from_str(protocol).ok()) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    if let Some(extension) = deflate.and_then(|agreed| HeaderValue::try_from(agreed.answer()).ok()) {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
    }
    response
}

/// 426 (RFC 9110 section 15.5.22) with what is missing, and why that may be.
pub(crate) fn upgrade_required(version: Version, headers: &HeaderMap) -> Response {
    let text = if version > Version::HTTP_11 {
        "This address speaks WebSocket. Over HTTP/2 it is asked for by CONNECT with `:protocol` `websocket` (RFC 8441), over \
         HTTP/1.1 by an upgrade.\n"
            .into()
    } else {
        what_is_missing(headers)
    };
    let mut response = (StatusCode::UPGRADE_REQUIRED, text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

fn what_is_missing(headers: &HeaderMap) -> String {
    let missing = missing_headers(headers);
    let list = match &missing[..] {
        [] => "nothing".to_owned(),
        some => some.join("`, `"),
    };
    format!(
        "This address speaks WebSocket. The request lacks: `{list}`.\n\n\
         If a WebSocket client sent it, a proxy in between has most likely removed the headers, which it has to be told to \
         pass on.\n\n\
         Nginx, in the `location`:\n\n    \
         proxy_http_version 1.1;\n    \
         proxy_set_header Upgrade $http_upgrade;\n    \
         proxy_set_header Connection \"upgrade\";\n\n\
         and no `proxy_hide_header Upgrade;`.\n\n\
         Apache, with mod_proxy_http (2.4.47 or later):\n\n    \
         ProxyPass \"/\" \"http://127.0.0.1:8000/\" upgrade=websocket\n"
    )
}

fn missing_headers(headers: &HeaderMap) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if !has_token(headers, &header::UPGRADE, "websocket") {
        missing.push("Upgrade: websocket");
    }
    if !has_token(headers, &header::CONNECTION, "upgrade") {
        missing.push("Connection: Upgrade");
    }
    missing
}

/// Frames follow the head (section 4.1). What is body to a proxy and frames to us, or the reverse, would carry requests
/// past it.
fn has_body(headers: &HeaderMap) -> bool {
    let is_length = |value: &HeaderValue| value.as_bytes().iter().any(|byte| *byte != b'0');
    headers.contains_key(header::TRANSFER_ENCODING) || headers.get(header::CONTENT_LENGTH).is_some_and(is_length)
}

/// Section 4.2.2, item 4: any other version is told which one we speak.
fn check_version(headers: &HeaderMap) -> Result<(), Response> {
    let mut versions = headers.get_all(header::SEC_WEBSOCKET_VERSION).into_iter();
    match (versions.next(), versions.next()) {
        (Some(version), None) if version == "13" => Ok(()),
        _ => {
            let text = "expected the header `Sec-WebSocket-Version: 13`, once";
            let mut response = Problem::new(StatusCode::UPGRADE_REQUIRED, "bad_version", text).into_response();
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            Err(response)
        }
    }
}

/// Section 4.2.1, item 5: 16 bytes in base64, once.
fn check_key(headers: &HeaderMap) -> Result<&HeaderValue, Response> {
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).into_iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if proto::is_valid_key(key.as_bytes()) => Ok(key),
        _ => Err(bad("bad_key", "expected the header `Sec-WebSocket-Key` once, with 16 bytes in base64")),
    }
}

/// Section 10.2. Clients that are no browsers send no origin.
fn check_origin(headers: &HeaderMap, origins: &Origins, secure: bool) -> Result<(), Response> {
    let mut sent = headers.get_all(header::ORIGIN).into_iter();
    let origin = match (sent.next(), sent.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let Some(origin) = origin else {
        return Err(bad("bad_origin", "expected the header `Origin` at most once, in ASCII"));
    };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if origins.allow(origin, host, secure) {
        return Ok(());
    }
    let text = "pages of this origin may not open a socket here";
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", text).into_response())
}

fn offered_protocols(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).into_iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|offer| offer.trim().to_owned())
        .filter(|offer| !offer.is_empty())
        .collect()
}

/// Whether a list header holds a token, over all its lines and without regard to case (RFC 9110 section 5.6.1).
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn bad(code: &'static str, text: impl Into<Cow<'static, str>>) -> Response {
    Problem::new(StatusCode::BAD_REQUEST, code, text).into_response()
}
