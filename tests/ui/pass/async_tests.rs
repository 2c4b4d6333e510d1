//! The options of `#[sockeye::main]` and `#[sockeye::test]`.

use sockeye::prelude::*;

#[sockeye::test]
async fn plain() -> Result<()> {
    Ok(())
}

#[sockeye::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long"]
async fn threads() {}

#[sockeye::test(start_paused = true)]
#[should_panic(expected = "in time")]
async fn paused() {
    sockeye::time::sleep(std::time::Duration::from_secs(3600)).await;
    panic!("in time");
}

#[sockeye::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
