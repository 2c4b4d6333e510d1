//! A misspelt attribute of an argument.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[qeury] page: u32) -> String {
    page.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
