//! A handler has the ABI of Rust.

use sockeye::prelude::*;

#[get("/x")]
async extern "C" fn show() -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
