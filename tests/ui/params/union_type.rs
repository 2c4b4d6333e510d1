//! A union is no text.

use sockeye::Param;

#[derive(Param)]
pub union Bits {
    pub a: u32,
    pub b: f32,
}

fn main() {}
