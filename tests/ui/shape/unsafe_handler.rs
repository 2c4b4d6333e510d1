//! The framework cannot promise anything.

use sockeye::prelude::*;

#[get("/x")]
async unsafe fn show() -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(show);
}
