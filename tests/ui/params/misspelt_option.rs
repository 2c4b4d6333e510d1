//! A misspelt option.

use sockeye::Param;

#[derive(Param)]
#[param(rename_al = "snake_case")]
pub enum Sort {
    Newest,
}

fn main() {}
