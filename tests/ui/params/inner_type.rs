//! A wrapper is what it wraps.

use sockeye::Param;

pub struct Inner;

#[derive(Param)]
pub struct Id(pub Inner);

fn main() {}
