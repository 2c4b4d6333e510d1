//! A query value with a default, of a type that is no plain value.

use sockeye::prelude::*;

struct User(&'static str);

#[get("/users")]
async fn user(#[query(default = User("x"))] id: User) -> &'static str {
    id.0
}

fn main() {
    let _ = App::new().route(user);
}
