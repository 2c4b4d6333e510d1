//! A parameter that the prefix already has.

use sockeye::prelude::*;

#[router(prefix = "/<tenant>")]
mod chat {
    use sockeye::prelude::*;

    #[get("/health/<tenant>")]
    async fn health(tenant: String) -> String {
        tenant
    }
}

fn main() {
    let _ = App::new().include_router(chat::router());
}
