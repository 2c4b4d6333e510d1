//! An enum that is never read.

use sockeye::Param;

#[derive(Param)]
pub enum Never {}

fn main() {}
