//! A dependency that is not named.

use sockeye::prelude::*;

#[get("/me")]
async fn me(#[depends] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(me);
}
