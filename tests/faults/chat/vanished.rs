//! Thousands of members are gone at once: killed, which the kernel tells, or behind a link that is down, which nobody tells.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::time::{sleep, timeout};

use crate::chat::{Scratch, alone, client::Plan, load::Load, node::Node, size};

/// Members in a room of the crowd.
const TOGETHER: usize = 100;
/// Rooms of the crowd with people who watch, and how many watch each.
const WATCHED: usize = 5;
const WATCHERS: usize = 2;
/// Silence until a ping, from there to the end, the user's time of grace, and what a slow machine takes.
const HEARTBEAT: Duration = Duration::from_secs(20 + 20 + 2 + 5);

/// A process with many members. It is killed when it is dropped, and ends with us whatever happens.
struct Crowd(Child);

impl Crowd {
    /// `by` is what its command begins with.
    fn new(by: &[&str]) -> Result<Self> {
        let words = [by, &[env!("CARGO_BIN_EXE_crowd")]].concat();
        let mut command = Command::new(words[0]);
        Ok(Self(command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    /// Waits until all of them are in.
    fn enter(&mut self, addr: SocketAddr, members: usize) -> Result<()> {
        let stdin = self.0.stdin.as_mut().context("open until the end")?;
        writeln!(stdin, "{addr} {members} {}", members.div_ceil(TOGETHER))?;
        let mut line = String::new();
        BufReader::new(self.0.stdout.take().context("its output is ours")?).read_line(&mut line)?;
        ensure!(line.trim_end() == format!("{members} are in"), "the crowd says {line:?}");
        Ok(())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.kill().expect("it is killed");
        self.0.wait().expect("its end");
    }
}

/// As many as there are to be, or as the limit of open files allows.
fn members(most: usize) -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).context("a limit of files")?;
    let limit: usize = line.split_whitespace().next().context("a number")?.parse().unwrap_or(usize::MAX);
    let members = most.min(limit.saturating_sub(200)) / TOGETHER * TOGETHER;
    if members < most {
        eprintln!("{members} instead of {most}: the limit of open files is {limit}");
    }
    Ok(members)
}

/// A node with people who watch some rooms of the crowd.
struct Scene {
    node: Node,
    load: Load,
    members: usize,
    sockets: usize,
    _scratch: Scratch,
}

impl Scene {
    async fn new(ip: IpAddr, members: usize) -> Result<Self> {
        let scratch = Scratch::new();
        let file = scratch.0.join("chat.db");
        let node = Node::start_at(ip, &scratch.0, "chat", &[("CHAT_DB", file.to_str().context("a path in UTF-8")?)])?;
        let rooms = (0..WATCHED).map(|room| format!("room-{room}")).collect();
        let clients = WATCHED * WATCHERS;
        let mut load =
            Load::start(Plan { rooms, clients, pause: Duration::from_millis(200), ..Plan::new(&[node.addr]) });
        load.all_in(Duration::from_secs(10)).await?;
        let sockets = node.sockets()?;
        Ok(Self { node, load, members, sockets, _scratch: scratch })
    }

    /// Waits until nothing is left of the crowd, and each that watches has seen all go.
    async fn nobody_is_left(&mut self, limit: Duration) -> Result<()> {
        let begin = Instant::now();
        loop {
            let (_, stats) = self.node.get("/ws/stats").await?;
            if stats["total_connections"] == WATCHED * WATCHERS && stats["total_rooms"] == WATCHED {
                break;
            }
            ensure!(begin.elapsed() < limit, "left after {limit:?}: {stats:.300}");
            sleep(Duration::from_millis(50)).await;
        }
        self.load.no_outsider_is_seen(limit.saturating_sub(begin.elapsed())).await?;
        self.load.all_see_each_other(limit.saturating_sub(begin.elapsed())).await?;
        println!("{} are gone after {:?}", self.members, begin.elapsed());
        let (sockets, first) = (self.node.sockets()?, self.sockets);
        // One that has asked may not be closed yet.
        ensure!(sockets <= first + 1, "{sockets} sockets are open, at first {first}");
        Ok(())
    }

    async fn end(self, vanished: usize) -> Result<()> {
        let report = self.load.settle(self.node.addr, Duration::from_secs(20)).await?;
        println!("{report}");
        let left = vanished * TOGETHER * WATCHED * WATCHERS;
        ensure!(report.users_left == left, "{} were seen leaving, expected {left}", report.users_left);
        ensure!(report.lost.is_empty(), "those who watch were cut off: {:?}", report.lost);
        Ok(())
    }
}

/// Gives a process that has a network of its own a link to us, which is gone with it. Returns our address there.
fn link(process: u32) -> Result<Ipv4Addr> {
    // The addresses are of the range for such tests, 198.18.0.0/15. Names of links have at most 15 letters.
    let subnet = u32::from(Ipv4Addr::new(198, 18, 0, 0)) + process % 16_000 * 4;
    let (ours, theirs) = (Ipv4Addr::from(subnet + 1), Ipv4Addr::from(subnet + 2));
    let name = format!("sockeye{}", process % 16_000);
    // It has its own network once `unshare` has become it.
    let begin = Instant::now();
    while fs::read_link(format!("/proc/{process}/ns/net"))? == fs::read_link("/proc/self/ns/net")? {
        ensure!(begin.elapsed() < Duration::from_secs(5), "it has no network of its own");
        std::thread::sleep(Duration::from_millis(5));
    }
    ip(&["link", "add", &name, "type", "veth", "peer", "name", "shore", "netns", &process.to_string()])?;
    ip(&["addr", "add", &format!("{ours}/30"), "dev", &name])?;
    ip(&["link", "set", &name, "up"])?;
    ip_there(process, &["addr", "add", &format!("{theirs}/30"), "dev", "shore"])?;
    ip_there(process, &["link", "set", "shore", "up"])?;
    Ok(ours)
}

fn ip(arguments: &[&str]) -> Result<()> {
    run(Command::new("ip").args(arguments))
}

/// In the network of a process.
fn ip_there(process: u32, arguments: &[&str]) -> Result<()> {
    run(Command::new("nsenter").args(["--target", &process.to_string(), "--net", "ip"]).args(arguments))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// Peers that are gone without a word are gone with the heartbeat. Waits for most of its time: beside others.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_cut_off() -> Result<()> {
    let members = members(size(500, 10_000))?;
    let unshared = ["unshare", "--net"];
    if let Err(why) = run(Command::new(unshared[0]).args([unshared[1], "true"])) {
        eprintln!("SKIPPED: no network of its own can be made here: {why:#}");
        return Ok(());
    }
    timeout(Duration::from_secs(200), async {
        let mut crowd = Crowd::new(&unshared)?;
        let process = crowd.0.id();
        let ours = link(process)?;
        let mut scene = Scene::new(ours.into(), members).await?;
        crowd.enter(scene.node.addr, members)?;
        let full = scene.node.memory()?;
        // Nothing gets through, and nobody is told.
        ip_there(process, &["link", "set", "shore", "down"])?;
        scene.nobody_is_left(HEARTBEAT).await?;
        println!("KiB with the crowd and without: {full}, {}", scene.node.memory()?);
        // With the crowd the link is gone, and our address.
        scene.end(1).await
    })
    .await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_killed() -> Result<()> {
    alone(Duration::from_secs(300), async {
        let members = members(size(2000, 10_000))?;
        let mut scene = Scene::new(Ipv4Addr::LOCALHOST.into(), members).await?;
        let rounds = size(2, 4);
        let mut memory = vec![(0, scene.node.memory()?)];
        for _ in 0..rounds {
            let mut crowd = Crowd::new(&[])?;
            crowd.enter(scene.node.addr, members)?;
            let full = scene.node.memory()?;
            drop(crowd);
            scene.nobody_is_left(Duration::from_secs(10)).await?;
            memory.push((full, scene.node.memory()?));
        }
        println!("KiB with the crowd and without: {memory:?}");
        // What has been freed is used again: the allocator gives little of it back.
        let (first, last) = (memory[1].0, memory[rounds].1);
        ensure!(last * 100 <= first * 115, "the memory grows: {memory:?}");
        scene.end(rounds).await
    })
    .await
}
