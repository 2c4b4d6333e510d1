//! A function serves one route.

use sockeye::prelude::*;

#[get("/a")]
#[get("/b")]
async fn show() -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
