//! A dependency runs before the upgrade.

use sockeye::prelude::*;

#[dependency]
async fn user(ws: WebSocket) -> String {
    drop(ws);
    String::new()
}

#[get("/me")]
async fn me(#[depends(user)] user: String) -> String {
    user
}

fn main() {
    let _ = App::new().route(me);
}
