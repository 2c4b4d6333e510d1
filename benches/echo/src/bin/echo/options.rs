//! What to run, for how long, and where.

use anyhow::{Result, bail, ensure};
use echo::args::Args;

use crate::server::{ALL, Server};

const NAMES: &[&str] =
    &["servers", "rounds", "seconds", "warm-up", "connections", "in-flight", "sizes", "idle", "settle", "cores"];

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) servers: Vec<Server>,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    pub(crate) connections: usize,
    pub(crate) in_flight: Vec<usize>,
    pub(crate) sizes: Vec<usize>,
    /// How many idle connections to weigh; 0 leaves the memory out.
    pub(crate) idle: usize,
    pub(crate) settle: f64,
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    pub(crate) write: bool,
}

impl Options {
    pub(crate) fn from_env() -> Result<Self> {
        let args = Args::from_env(NAMES, &["write"])?;
        let cores: Vec<usize> = args.list("cores", "0,1")?;
        let [server_core, load_core] = cores[..] else {
            bail!("--cores takes two: the server's and the load generator's");
        };
        ensure!(server_core != load_core, "the server and the load generator can't share a core");
        let options = Self {
            servers: servers(&args)?,
            rounds: args.get("rounds", 5)?,
            seconds: args.get("seconds", 2.0)?,
            warm_up: args.get("warm-up", 0.5)?,
            connections: args.get("connections", 100)?,
            in_flight: args.list("in-flight", "1,16")?,
            sizes: args.list("sizes", "20")?,
            idle: args.get("idle", 5000)?,
            settle: args.get("settle", 2.0)?,
            server_core,
            load_core,
            write: args.flag("write"),
        };
        ensure!(options.rounds > 0, "--rounds must be at least 1");
        ensure!(!options.in_flight.contains(&0), "--in-flight must be at least 1");
        Ok(options)
    }

    /// Better said now than by a server in the middle of its 4,000th connection.
    pub(crate) fn check_open_files(&self, allowed: u64) -> Result<()> {
        let needed = self.idle.max(self.connections) as u64 + 64;
        ensure!(
            needed <= allowed,
            "{needed} open files are needed and {allowed} allowed: raise `ulimit -Hn` or lower --idle"
        );
        Ok(())
    }
}

fn servers(args: &Args) -> Result<Vec<Server>> {
    let Some(wanted) = args.text("servers") else {
        return Ok(ALL.to_vec());
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
