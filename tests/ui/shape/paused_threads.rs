//! The clock stands still on one thread only.

#[sockeye::main(start_paused = true)]
async fn main() {}
