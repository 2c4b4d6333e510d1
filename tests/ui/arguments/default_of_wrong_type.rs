//! A default of another type.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[query(default = "one")] page: u32) -> String {
    page.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
