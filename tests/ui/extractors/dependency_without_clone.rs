//! The value of a dependency is shared.

use sockeye::prelude::*;

struct User(&'static str);

#[dependency]
async fn user() -> User {
    User("x")
}

#[get("/me")]
async fn me(#[depends(user)] user: User) -> &'static str {
    user.0
}

fn main() {
    let _ = App::new().route(me);
}
