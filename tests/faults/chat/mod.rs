//! The chat as a whole, its processes and servers killed, stopped and cut. What it promises holds all the same: each client
//! hears what is stored, all of it, once and in order, and what was acknowledged is stored.
//!
//! Here each takes some seconds. `scripts/faults` gives them the time and the numbers that they are meant for.

mod audit;
mod client;
mod frozen;
mod full;
mod hostile;
mod killed;
mod load;
mod log;
mod nginx;
mod node;
mod nodes;
mod proxied;
mod site;
mod socket;
mod store;
mod stuck;
mod vanished;

use std::{env, future::Future, path::PathBuf, sync::atomic::AtomicU32, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, Result};
use tokio::{sync::Mutex, time::timeout};

/// Whether all is to be done that there is: minutes instead of seconds.
fn is_whole() -> bool {
    env::var_os("FAULTS").is_some_and(|size| size == "whole")
}

/// How much of something: a little, or all of it.
fn size<T>(short: T, whole: T) -> T {
    if is_whole() { whole } else { short }
}

/// Lets a test have the machine for itself, as far as the tests of this binary go, and bounds its time. `.config/nextest.toml`
/// does the first for nextest, which gives each test a process.
async fn alone(limit: Duration, test: impl Future<Output = Result<()>>) -> Result<()> {
    static ONE: Mutex<()> = Mutex::const_new(());
    let _one = ONE.lock().await;
    timeout(limit, test).await.with_context(|| format!("not done within {limit:?}"))?
}

/// A folder that is gone after the test, unless it has failed.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("faults-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} is left: {error}", self.0.display());
        }
    }
}
