//! Patterns as arguments.

use sockeye::prelude::*;

#[derive(Clone)]
struct Config {
    name: &'static str,
    size: (u8, u8),
}

#[post("/users/<id>")]
async fn add(
    Path(_id): Path<u32>,
    Json((name, age)): Json<(String, u8)>,
    State(Config { name: site, size: (width, _) }): State<Config>,
    mut page: u32,
    _: State<Config>,
) -> String {
    page += 1;
    format!("{name} {age} {site} {width} {page}")
}

#[get("/quiet/<id>")]
async fn quiet(_id: u32) {}

fn main() {
    let _ = App::new().route(add).route(quiet);
}
