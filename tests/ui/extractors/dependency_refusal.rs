//! A refusal is a response.

use sockeye::prelude::*;

struct Refused;

#[dependency]
async fn user() -> Result<String, Refused> {
    Err(Refused)
}

#[get("/me")]
async fn me(#[depends(user)] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(me);
}
