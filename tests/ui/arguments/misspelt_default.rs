//! A misspelt option of an argument.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[query(defualt = 1)] page: u32) -> String {
    page.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
