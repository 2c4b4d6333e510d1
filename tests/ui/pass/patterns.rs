//! Patterns as arguments.

use sockeye::prelude::*;

#[derive(serde::Deserialize)]
struct Config {
    name: String,
    size: (u8, u8),
}

#[post("/users/<id>")]
async fn add(
    Path(_id): Path<u32>,
    Json(Config { name, size: (width, _) }): Json<Config>,
    State(state): State<u8>,
    mut page: u32,
    _: State<Config>,
) -> String {
    page += 1;
    format!("{name} {width} {state} {page}")
}

#[get("/quiet/<id>")]
async fn quiet(_id: u32) {}

fn main() {
    let _ = App::new().route(add).route(quiet);
}
