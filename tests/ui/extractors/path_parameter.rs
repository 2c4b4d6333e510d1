//! A path parameter of a type that is no plain value.

use sockeye::prelude::*;

struct User(&'static str);

#[get("/users/<id>")]
async fn user(id: User) -> &'static str {
    id.0
}

fn main() {
    let _ = App::new().route(user);
}
