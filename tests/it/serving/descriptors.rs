//! Running out of file descriptors: the accept loop waits, and goes on once there are some.

use std::time::Duration;

use sockeye::prelude::*;
use tokio::net::{TcpListener, TcpStream};

#[get("/health")]
async fn health() -> &'static str {
    "ok"
}

/// How many descriptors the process may open; put back when dropped.
struct Limit(libc::rlimit);

impl Limit {
    fn lower(to: u64) -> Self {
        let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a live `rlimit`, which is all that the call asks for.
        #[allow(unsafe_code)]
        let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut before) };
        assert_eq!(got, 0);
        Self::set(libc::rlimit { rlim_cur: to, ..before });
        Self(before)
    }

    fn set(limit: libc::rlimit) {
        // SAFETY: as above.
        #[allow(unsafe_code)]
        let set = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        assert_eq!(set, 0);
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        Self::set(self.0);
    }
}

/// Set in the process that runs out of descriptors.
const CHILD: &str = "SOCKEYE_TEST_DESCRIPTORS";

/// In a process of its own: the limit would hold for the tests beside it.
#[test]
fn the_server_outlives_a_lack_of_descriptors() {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "serving::descriptors::in_a_process_of_its_own"]).env(CHILD, "1");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[sockeye::test]
async fn in_a_process_of_its_own() -> Result<()> {
    if std::env::var_os(CHILD).is_none() {
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = App::new().route(health).serve(listener);
    let address = server.local_addr();
    let client = TestClient::connect_to(address);
    assert_eq!(client.get("/health").await?.text(), "ok");

    let open = std::fs::read_dir("/proc/self/fd")?.count() as u64;
    let limit = Limit::lower(open + 20);
    // The client's ends take most of what is left: the server's own ends can't all be accepted.
    let mut hogs = Vec::new();
    while let Ok(hog) = TcpStream::connect(address).await {
        hogs.push(hog);
    }
    assert!(!hogs.is_empty());
    // Time for the accept loop to fail, which only it can see.
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(hogs);
    drop(limit);
    let response = tokio::time::timeout(Duration::from_secs(3), client.get("/health").into_future()).await??;
    assert_eq!(response.text(), "ok");
    server.shutdown(Duration::from_secs(1)).await
}
