//! A dependency of another type.

use sockeye::prelude::*;

#[dependency]
async fn user() -> String {
    String::new()
}

#[get("/me")]
async fn me(#[depends(user)] id: u32) -> String {
    id.to_string()
}

fn main() {
    let _ = App::new().route(me);
}
