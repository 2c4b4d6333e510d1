//! A misspelt option of the runtime.

use sockeye::prelude::*;

#[sockeye::main(flavour = "current_thread")]
async fn main() -> Result<()> {
    Ok(())
}
