//! `#[on]` needs an event handler around it.

use sockeye::prelude::*;

#[on("typing")]
async fn typing() {}

fn main() {}
