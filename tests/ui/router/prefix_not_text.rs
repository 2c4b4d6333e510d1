//! A prefix is checked while compiling.

use sockeye::prelude::*;

#[router(prefix = API)]
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
