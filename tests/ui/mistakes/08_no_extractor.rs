//! An argument that is no extractor.

use sockeye::prelude::*;

struct User(&'static str);

#[get("/me")]
async fn me(user: User) -> &'static str {
    user.0
}

fn main() {
    let _ = App::new().route(me);
}
