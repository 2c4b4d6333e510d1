//! A prefix begins with a slash.

use sockeye::prelude::*;

#[router(prefix = "api")]
mod chat {
    use sockeye::prelude::*;

    #[get("/health")]
    async fn health() -> &'static str {
        "ok"
    }
}

fn main() {
    let _ = App::new().include_router(chat::router());
}
