//! Two routes that take the same requests.

use sockeye::prelude::*;

#[router(prefix = "/api")]
mod chat {
    use sockeye::prelude::*;

    #[get("/users/<id>")]
    async fn user(id: u32) -> String {
        id.to_string()
    }

    #[get("/users/<name>")]
    async fn named(name: String) -> String {
        name
    }
}

fn main() {
    let _ = App::new().include_router(chat::router());
}
