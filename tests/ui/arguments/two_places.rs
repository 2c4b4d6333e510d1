//! An argument that comes from two places.

use sockeye::prelude::*;

#[get("/users")]
async fn show(#[query] #[header] page: u32) -> String {
    page.to_string()
}

fn main() {
    let _ = App::new().route(show);
}
