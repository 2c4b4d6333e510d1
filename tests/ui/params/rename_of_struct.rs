//! A struct has no words to rename.

use sockeye::Param;

#[derive(Param)]
#[param(rename_all = "lowercase")]
pub struct Id(pub u32);

fn main() {}
