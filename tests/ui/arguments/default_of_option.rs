//! A default that is never used.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[query(default = 1)] page: Option<u32>) -> String {
    format!("{page:?}")
}

fn main() {
    let _ = App::new().route(show);
}
