//! The chat's page. It needs no other host, and a browser is told to ask none.

use sockeye::{HeaderName, prelude::*};

type Page = ([(HeaderName, &'static str); 1], Html<&'static str>);

const POLICY: (HeaderName, &str) = (
    sockeye::header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

pub(crate) fn add(app: App) -> App {
    app.route(index)
}

#[get("/")]
pub(crate) async fn index() -> Page {
    ([POLICY], Html(include_str!("page/index.html")))
}
