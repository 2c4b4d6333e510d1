//! A path parameter that is also taken from the query.

use sockeye::prelude::*;

#[get("/users/<id>")]
async fn show(#[query] id: u32) -> String {
    id.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
