//! `crate` is a path.

use sockeye::prelude::*;

#[get("/x", crate = "my_sockeye")]
async fn show() -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
