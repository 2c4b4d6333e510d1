//! What to run, for how long, and where.

use std::env;

use anyhow::{Result, bail, ensure};
use common::args::Args;

use crate::server::{ALL, Server, USUAL};
use crate::timed::MOST_MEMBERS;

const NAMES: &[&str] = &["servers", "rounds", "seconds", "warm-up", "idle", "settle", "cores"];
const BENCHES: [&str; 8] = ["echo", "idle", "connect", "deflate", "fanout", "broker", "stores", "instructions"];

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) benches: Vec<&'static str>,
    pub(crate) servers: Vec<Server>,
    /// Whether `servers` is what the user named.
    named: bool,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    /// How many idle connections to weigh.
    pub(crate) idle: usize,
    pub(crate) settle: f64,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) write: bool,
    pub(crate) smoke: bool,
}

impl Options {
    pub(crate) fn from_env() -> Result<Self> {
        let words: Vec<String> = env::args().skip(1).collect();
        let named = words.iter().take_while(|word| !word.starts_with("--")).count();
        let args = Args::parse(words[named..].iter().cloned(), NAMES, &["write", "smoke"])?;
        let smoke = args.flag("smoke");
        let cores: Vec<usize> = args.list("cores", "0,1")?;
        let [server_core, load_core] = cores[..] else {
            bail!("--cores takes two: the server's and the load generator's");
        };
        ensure!(server_core != load_core, "the server and the load generator can't share a core");
        let options = Self {
            benches: benches(&words[..named], smoke)?,
            servers: servers(&args)?,
            named: args.text("servers").is_some(),
            rounds: args.get("rounds", if smoke { 1 } else { 5 })?,
            seconds: args.get("seconds", if smoke { 0.05 } else { 1.0 })?,
            warm_up: args.get("warm-up", if smoke { 0.02 } else { 0.25 })?,
            idle: args.get("idle", if smoke { 50 } else { 10_000 })?,
            settle: args.get("settle", if smoke { 0.0 } else { 2.0 })?,
            server_core,
            load_core,
            write: args.flag("write"),
            smoke,
        };
        ensure!(options.rounds > 0, "--rounds must be at least 1");
        ensure!(options.idle > 0, "--idle must be at least 1");
        Ok(options)
    }

    /// Better said now than by a server in the middle of its 9,000th connection.
    pub(crate) fn check_open_files(&self, allowed: u64) -> Result<()> {
        let sockets = |bench: &str| match bench {
            "idle" => self.idle,
            "fanout" => self.members(MOST_MEMBERS),
            _ => 0,
        };
        let needed = 64 + self.benches.iter().map(|bench| sockets(bench)).max().unwrap_or(0) as u64;
        ensure!(
            needed <= allowed,
            "{needed} open files are needed and {allowed} allowed: raise `ulimit -Hn` or lower --idle"
        );
        Ok(())
    }

    /// How many are to be members; a few do to try it out.
    pub(crate) fn members(&self, count: usize) -> usize {
        if self.smoke { count.min(50) } else { count }
    }

    /// Those of `these` that were asked for.
    pub(crate) fn among(&self, these: &[Server]) -> Vec<Server> {
        these.iter().copied().filter(|server| !self.named || self.servers.contains(server)).collect()
    }
}

fn benches(named: &[String], smoke: bool) -> Result<Vec<&'static str>> {
    if named.is_empty() {
        // Callgrind is slow, and its figures need no trying out.
        return Ok(BENCHES.into_iter().filter(|bench| !smoke || *bench != "instructions").collect());
    }
    let find = |name: &String| BENCHES.into_iter().find(|bench| bench == name);
    named
        .iter()
        .map(|name| find(name).ok_or_else(|| anyhow::anyhow!("no bench `{name}`; there are: {}", BENCHES.join(", "))))
        .collect()
}

fn servers(args: &Args) -> Result<Vec<Server>> {
    let Some(wanted) = args.text("servers") else {
        return Ok(USUAL.to_vec());
    };
    let find = |name: &str| ALL.iter().copied().find(|server| server.binary == name);
    let mut servers = Vec::new();
    for name in wanted.split(',') {
        match find(name.trim()) {
            Some(server) => servers.push(server),
            None => bail!("no server `{name}`; there are: {}", ALL.map(|server| server.binary).join(", ")),
        }
    }
    Ok(servers)
}
