//! `main` takes no arguments.

use sockeye::prelude::*;

#[sockeye::main]
async fn main(name: String) -> Result<()> {
    println!("{name}");
    Ok(())
}
