//! A type without events is no route.

use sockeye::prelude::*;

struct Chat;

fn main() {
    let _app = App::new().route(Chat);
}
