//! A dependency is async.

use sockeye::prelude::*;

#[dependency]
fn user() -> String {
    String::new()
}

#[get("/me")]
async fn me(#[depends(user)] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(me);
}
