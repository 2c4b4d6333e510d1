//! The options of `#[sockeye::main]` and `#[sockeye::test]`; the tests run as part of the binary that includes this.

#[sockeye::test]
async fn plain() -> sockeye::Result<()> {
    Ok(())
}

#[sockeye::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads() {
    assert_eq!(sockeye::spawn(async { 1 }).await.unwrap(), 1);
}

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
