//! The page that shows the chat and the clock. It needs no other host, and a browser is told to ask none.

use sockeye::{HeaderName, prelude::*};

type Page = ([(HeaderName, &'static str); 1], Html<&'static str>);
type Asset = ([(HeaderName, &'static str); 2], &'static str);

const POLICY: (HeaderName, &str) = (
    sockeye::header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[get("/")]
pub(crate) async fn index() -> Page {
    ([POLICY], Html(include_str!("page/index.html")))
}

#[get("/style.css")]
pub(crate) async fn style() -> Asset {
    asset("text/css; charset=utf-8", include_str!("page/style.css"))
}

#[get("/script.js")]
pub(crate) async fn script() -> Asset {
    asset("text/javascript; charset=utf-8", include_str!("page/script.js"))
}

fn asset(content_type: &'static str, text: &'static str) -> Asset {
    ([(sockeye::header::CONTENT_TYPE, content_type), POLICY], text)
}
