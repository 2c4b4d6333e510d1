//! A type that is left open.

use sockeye::prelude::*;

#[get("/x")]
async fn show(name: impl ToString) -> String {
    name.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
