//! A prefix leaves something for the paths.

use sockeye::prelude::*;

#[router(prefix = "/<rest..>")]
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
