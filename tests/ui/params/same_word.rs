//! Two variants that are written alike.

use sockeye::Param;

#[derive(Param)]
pub enum Sort {
    Newest,
    #[param(rename = "NEWEST")]
    Latest,
}

fn main() {}
