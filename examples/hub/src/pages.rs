//! The pages. They need no other host, and a browser is told to ask none.

use sockeye::{HeaderName, prelude::*};

type Page = ([(HeaderName, &'static str); 1], Html<&'static str>);
type Asset = ([(HeaderName, &'static str); 2], &'static str);

const POLICY: (HeaderName, &str) = (
    sockeye::header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Where several users can chat, and see what is on the wire.
#[get("/ws/test")]
pub(crate) async fn test() -> Page {
    ([POLICY], Html(include_str!("pages/test.html")))
}

/// How a program connects.
#[get("/websocket")]
pub(crate) async fn integration() -> Page {
    ([POLICY], Html(include_str!("pages/integration.html")))
}

#[get("/assets/style.css")]
pub(crate) async fn style() -> Asset {
    asset("text/css; charset=utf-8", include_str!("pages/style.css"))
}

#[get("/assets/test.js")]
pub(crate) async fn test_script() -> Asset {
    asset("text/javascript; charset=utf-8", include_str!("pages/test.js"))
}

#[get("/assets/integration.js")]
pub(crate) async fn integration_script() -> Asset {
    asset("text/javascript; charset=utf-8", include_str!("pages/integration.js"))
}

fn asset(content_type: &'static str, text: &'static str) -> Asset {
    ([(sockeye::header::CONTENT_TYPE, content_type), POLICY], text)
}
