//! A module without handlers.

use sockeye::prelude::*;

#[router(prefix = "/api")]
mod chat {
    pub async fn health() -> &'static str {
        "ok"
    }
}

fn main() {
    drop(chat::health());
    let _ = App::new().include_router(chat::router());
}
