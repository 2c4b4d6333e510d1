//! A header of a type that is no plain value.

use sockeye::prelude::*;

struct User(&'static str);

#[get("/users")]
async fn user(#[header("x-user")] id: User) -> &'static str {
    id.0
}

fn main() {
    let _ = App::new().route(user);
}
