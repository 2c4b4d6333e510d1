//! A path parameter is always there.

use sockeye::prelude::*;

#[get("/users/<id>")]
async fn user(id: Option<u32>) -> String {
    format!("{id:?}")
}

fn main() {
    let _ = App::new().route(user);
}
