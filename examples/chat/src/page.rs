//! The chat's page. It needs no other host, and a browser is told to ask none.

use sockeye::{HeaderName, header, prelude::*};

type Page = ([(HeaderName, &'static str); 1], Html<&'static str>);
type Asset = ([(HeaderName, &'static str); 3], &'static str);

const POLICY: (HeaderName, &str) = (
    header::CONTENT_SECURITY_POLICY,
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The files that the page names, all of them text.
const FILES: [(&str, &str); 14] = [
    ("app.js", include_str!("page/app.js")),
    ("composer.js", include_str!("page/composer.js")),
    ("connection.js", include_str!("page/connection.js")),
    ("dialogs.js", include_str!("page/dialogs.js")),
    ("frame.js", include_str!("page/frame.js")),
    ("icon.svg", include_str!("page/icon.svg")),
    ("lists.js", include_str!("page/lists.js")),
    ("log.js", include_str!("page/log.js")),
    ("outbox.js", include_str!("page/outbox.js")),
    ("room.js", include_str!("page/room.js")),
    ("storage.js", include_str!("page/storage.js")),
    ("style.css", include_str!("page/style.css")),
    ("theme.js", include_str!("page/theme.js")),
    ("words.js", include_str!("page/words.js")),
];

/// Adds the page, its files, and the framework's client that it connects with.
pub(crate) fn add(app: App) -> App {
    app.route(index).route(file).browser_client()
}

#[get("/")]
pub(crate) async fn index() -> Page {
    ([POLICY], Html(include_str!("page/index.html")))
}

#[get("/assets/<name>")]
pub(crate) async fn file(name: String) -> Result<Asset, StatusCode> {
    let (_, text) = FILES.into_iter().find(|(known, _)| *known == name).ok_or(StatusCode::NOT_FOUND)?;
    let content_type = match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    };
    // Their names are the same in all versions: a browser asks each time.
    Ok(([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache"), POLICY], text))
}
