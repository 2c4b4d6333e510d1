//! A case that is none.

use sockeye::Param;

#[derive(Param)]
#[param(rename_all = "snakecase")]
pub enum Sort {
    Newest,
}

fn main() {}
