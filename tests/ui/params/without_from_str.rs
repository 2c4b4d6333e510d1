//! `from_str` needs `FromStr`.

use sockeye::Param;

#[derive(Param)]
#[param(from_str)]
pub struct Point {
    pub x: u32,
    pub y: u32,
}

fn main() {}
