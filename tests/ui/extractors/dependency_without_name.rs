//! The type of a dependency has a name.

use sockeye::prelude::*;

#[dependency]
async fn user() -> impl Clone {
    1
}

#[get("/me")]
async fn me(#[depends(user)] _user: ()) -> &'static str {
    "ok"
}

fn main() {
    let _ = App::new().route(me);
}
