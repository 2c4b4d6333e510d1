//! A struct wraps one value.

use sockeye::Param;

#[derive(Param)]
pub struct Point {
    pub x: u32,
    pub y: u32,
}

fn main() {}
