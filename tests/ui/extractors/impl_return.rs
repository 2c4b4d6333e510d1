//! A nameless type that is no response.

use sockeye::prelude::*;

#[get("/x")]
async fn show() -> impl Send {
    1.5
}

fn main() {
    let _ = App::new().route(show);
}
