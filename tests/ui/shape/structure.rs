//! A handler is a function.

use sockeye::prelude::*;

#[websocket("/ws")]
struct Room;

fn main() {
    let _ = Room;
}
