//! Two arguments that take the body.

use sockeye::prelude::*;

#[post("/users")]
async fn add(Json(user): Json<String>, Json(friend): Json<String>) -> String {
    user + &friend
}

fn main() {
    let _ = App::new().route(add);
}
