//! `main` is async.

use sockeye::prelude::*;

#[sockeye::main]
fn main() -> Result<()> {
    Ok(())
}
