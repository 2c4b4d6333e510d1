//! Handlers inside of functions and out of macros.

#![deny(warnings)]

use sockeye::prelude::*;

macro_rules! handler {
    ($name:ident, $path:literal, $text:expr) => {
        #[get($path)]
        async fn $name(id: u32) -> String {
            format!("{} {id}", $text)
        }
    };
}

handler!(made, "/made/<id>", "made");

fn main() {
    #[get("/local")]
    async fn local() -> &'static str {
        "local"
    }

    handler!(inner, r"/inner/<id>", "inner");
    let _ = App::new().route(local).route(made).route(inner);
}
