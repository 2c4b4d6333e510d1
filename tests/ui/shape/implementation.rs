//! An `impl` block is no function.

use sockeye::prelude::*;

struct Room;

#[get("/ws")]
impl Room {
    fn open(&self) {}
}

fn main() {
    Room.open();
}
