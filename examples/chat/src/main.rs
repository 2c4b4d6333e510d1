//! Serves the chat on `SOCKEYE_ADDR`, by default on 127.0.0.1:8000.

use chat::Settings;
use sockeye::prelude::*;

#[sockeye::main]
async fn main() -> Result<()> {
    // Stdout belongs to the address.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    chat::app(&Settings::from_env()?)?.run().await
}
