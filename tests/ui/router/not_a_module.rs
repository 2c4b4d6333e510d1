//! A router is a module.

use sockeye::prelude::*;

#[router(prefix = "/api")]
async fn health() -> &'static str {
    "ok"
}

fn main() {
    drop(health());
}
