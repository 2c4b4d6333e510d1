//! A name that no header has.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[header("x user")] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(show);
}
