//! A handler is an ordinary function: it can be shadowed and called.

#![deny(warnings)]

use sockeye::prelude::*;

#[get("/double/<room>")]
async fn room(room: u32) -> String {
    let double = room * 2;
    double.to_string()
}

#[get("/quadruple")]
async fn quadruple(n: u32) -> String {
    let room = room(n).await;
    room + &again(n).await
}

async fn again(room: u32) -> String {
    let request = self::room(room);
    request.await
}

fn upgrade() -> u32 {
    1
}

/// Names that the expansion uses itself.
#[get("/names")]
async fn names(#[query(default = upgrade())] request: u32, #[query(default = 2)] value_0: u32) -> String {
    (request + value_0).to_string()
}

fn main() {
    let app = App::new().route(room).route(quadruple).route(names);
    let room = 1;
    let _ = (app, room);
}
