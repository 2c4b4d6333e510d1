//! A return type that is no response.

use sockeye::prelude::*;

struct User(#[allow(dead_code)] &'static str);

#[get("/me")]
async fn me() -> User {
    User("x")
}

fn main() {
    let _ = App::new().route(me);
}
