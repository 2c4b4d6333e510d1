//! A mistake of a handler is not told again by its module.

use sockeye::prelude::*;

#[router(prefix = "/api")]
mod chat {
    use sockeye::prelude::*;

    #[get("/users/<id>")]
    async fn user() -> &'static str {
        "ok"
    }
}

fn main() {
    let _ = App::new().include_router(chat::router());
}
