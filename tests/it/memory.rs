//! How much memory the process has, for tests that have a process to themselves.

use std::{env, process::Command, thread};

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// In a process that was started for one test.
const ALONE: &str = "SOCKEYE_TEST_ALONE";

/// Bytes on the heap.
pub(crate) fn held() -> usize {
    HEAP.current_usage()
}

/// Begins to watch for the most; gives what there is now.
pub(crate) fn watch() -> usize {
    HEAP.reset_peak_usage();
    HEAP.current_usage()
}

/// The most bytes that were on the heap since [`watch`]. A buffer that moves counts twice while it does.
pub(crate) fn most() -> usize {
    HEAP.peak_usage()
}

/// Runs a test where nothing else allocates: nextest gives each a process, for others one is started.
pub(crate) fn alone(test: impl Future<Output = ()>) {
    let of_nextest = env::var("NEXTEST_EXECUTION_MODE").is_ok_and(|mode| mode == "process-per-test");
    let name = thread::current().name().unwrap_or("main").to_owned();
    // On the main thread tests run one after the other.
    if of_nextest || env::var_os(ALONE).is_some() || name == "main" {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.expect("a runtime").block_on(test);
    }
    let program = env::current_exe().expect("a path");
    let ran = Command::new(program).args(["--exact", &name]).env(ALONE, "1").output().expect("can't start");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}
