//! A function that is not marked.

use sockeye::prelude::*;

async fn user() -> String {
    String::new()
}

#[get("/me")]
async fn me(#[depends(user)] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(me);
}
