//! A variant is one piece of text.

use sockeye::Param;

#[derive(Param)]
pub enum Sort {
    Newest,
    By(String),
}

fn main() {}
