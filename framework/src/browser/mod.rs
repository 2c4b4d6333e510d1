//! The client for browsers, as files that an app serves.

use ::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    http::{IntoResponse, Response},
    route::Router,
};

/// A file of the client.
struct Asset {
    content_type: &'static str,
    text: &'static str,
    hash: u64,
}

const SCRIPT: Asset = Asset::new("text/javascript; charset=utf-8", include_str!("client.js"));

/// No content type is registered for it, and whoever opens it wants to read it.
const TYPES: Asset = Asset::new("text/plain; charset=utf-8", include_str!("client.d.ts"));

/// The router with the client's files.
#[track_caller]
pub(crate) fn add_to(router: Router) -> Router {
    router
        .get("/sockeye/client.js", "browser_client", |request| {
            Box::pin(std::future::ready(SCRIPT.answer(request.headers())))
        })
        .get("/sockeye/client.d.ts", "browser_client", |request| {
            Box::pin(std::future::ready(TYPES.answer(request.headers())))
        })
}

impl Asset {
    const fn new(content_type: &'static str, text: &'static str) -> Self {
        Self { content_type, text, hash: hash(text.as_bytes()) }
    }

    /// Browsers keep it and ask whether it has changed: its path is the same in all versions. Pages of other origins can't
    /// load it (no CORS header, and what comes without CORS is refused by the policy).
    fn answer(&self, asked: &HeaderMap) -> Response {
        let etag = format!("\"{:016x}\"", self.hash);
        let mut response = if is_known(asked, &etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, self.content_type)], self.text).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// Whether the browser has this version (RFC 9110 section 13.1.2, which compares weakly).
fn is_known(asked: &HeaderMap, etag: &str) -> bool {
    let lines = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// FNV-1a, at compile time: the same on all servers of one version.
const fn hash(bytes: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
