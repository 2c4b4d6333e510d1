//! `scripts/soak`: thousands of sockets that join, speak and leave for minutes; the server is a process of its own.
//!
//! Arguments: sockets, rooms, seconds.

mod load;
mod server;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use self::load::{Crowd, Plan, Report};

/// The resident memory may end that much higher than after the first seconds, which already had all sockets.
const GROWTH: f64 = 1.1;
const FIRST: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if words.first().is_some_and(|word| word == "serve") {
        return Ok(runtime.block_on(server::app().run())?);
    }
    let number = |at: usize, default: u64| words.get(at).map_or(Ok(default), |word| word.parse());
    let (sockets, rooms, seconds) = (number(0, 5000)?, number(1, 500)?, number(2, 120)?);
    let (sockets, rooms) = (usize::try_from(sockets)?, usize::try_from(rooms)?);
    runtime.block_on(run(Plan { sockets, rooms, lasts: Duration::from_secs(seconds), pause: PAUSE }))
}

async fn run(plan: Plan) -> Result<()> {
    let server = Running::start()?;
    let before = load::left(server.addr).await?;
    let crowd = Crowd::open(server.addr, plan).await?;
    println!("{} sockets: {} KiB", plan.sockets, server.resident()?);
    let (crowd, _) = crowd.run(Plan { lasts: FIRST, ..plan }).await?;
    let level = server.resident()?;
    println!("after {FIRST:?}: {level} KiB");
    let (crowd, report) = crowd.run(plan).await?;
    let now = server.resident()?;
    let Report { stays, said, heard } = report;
    println!(
        "after {:?}: {now} KiB; {stays} stays, {said} messages said, {heard} heard by those who come and go",
        plan.lasts
    );
    crowd.close().await?;
    load::wait_for(server.addr, &before).await?;
    println!("all closed: {} KiB; left, as at first: {before}", server.resident()?);
    ensure!(now as f64 <= level as f64 * GROWTH, "the memory grew from {level} to {now} KiB");
    Ok(())
}

/// A server that is killed when it goes out of scope.
struct Running {
    child: Child,
    addr: SocketAddr,
}

impl Running {
    fn start() -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("serve").env("SOCKEYE_ADDR", "127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().context("stdout is piped")?).read_line(&mut line)?;
        let addr = line.trim().rsplit("http://").next().and_then(|addr| addr.parse().ok());
        Ok(Self { addr: addr.with_context(|| format!("the first line is {line:?}"))?, child })
    }

    /// KiB.
    fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(line.context("the status has no VmRSS")?.parse()?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is lost if it has ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
