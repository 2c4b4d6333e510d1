//! A type that is left out.

use sockeye::prelude::*;

#[get("/x")]
async fn show(_name: Option<_>) -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
