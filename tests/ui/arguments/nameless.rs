//! A query value without a name.

use sockeye::prelude::*;

#[get("/users")]
async fn show(_: String) -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
