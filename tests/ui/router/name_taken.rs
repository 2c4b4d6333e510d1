//! The name of the added function is taken.

use sockeye::prelude::*;

#[router(prefix = "/api")]
mod chat {
    use sockeye::prelude::*;

    #[get("/health")]
    async fn health() -> &'static str {
        "ok"
    }

    pub fn router() -> Router {
        Router::new()
    }
}

fn main() {
    let _ = App::new().include_router(chat::router());
}
