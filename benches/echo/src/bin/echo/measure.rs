//! One run: a fresh server, a fresh load generator, one line of figures.

use std::collections::{BTreeMap, HashMap};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use echo::process::on_core;

use crate::options::Options;
use crate::server::{Running, Server, beside_us};

/// What is sent and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) size: usize,
    pub(crate) in_flight: usize,
}

/// One server in one case in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// CPU time of the server per message, in microseconds.
    pub(crate) cpu: f64,
    /// Messages per second.
    pub(crate) rate: f64,
    /// How much of its core the server used, 0 to 1.
    pub(crate) busy: f64,
}

#[derive(Debug, Default)]
pub(crate) struct Results {
    /// By round, so that rounds can be compared with each other.
    pub(crate) samples: BTreeMap<(Case, Server), Vec<Sample>>,
    /// KiB of resident memory per idle connection.
    pub(crate) memory: BTreeMap<Server, f64>,
}

impl Results {
    pub(crate) fn collect(options: &Options) -> Result<Self> {
        let mut results = Self::default();
        for round in 0..options.rounds {
            for case in cases(options) {
                results.round(options, case, round)?;
            }
        }
        if options.idle > 0 {
            for &server in &options.servers {
                let kib = idle(options, server).with_context(|| server.binary)?;
                eprintln!("idle: {} {kib:.2} KiB per connection", server.title);
                results.memory.insert(server, kib);
            }
        }
        Ok(results)
    }

    /// All servers, one right after the other, and each round begins with another one: what disturbs the machine for
    /// some seconds does not always hit the same.
    fn round(&mut self, options: &Options, case: Case, round: usize) -> Result<()> {
        let count = options.servers.len();
        for index in 0..count {
            let server = options.servers[(index + round) % count];
            let sample = busy(options, server, case).with_context(|| server.binary)?;
            let (Case { size, in_flight }, Sample { cpu, rate, busy }) = (case, sample);
            eprintln!(
                "round {}: {size} B, {in_flight} in flight: {} {cpu:.3} µs, {rate:.0} messages/s, server busy {:.0} %",
                round + 1,
                server.title,
                busy * 100.0
            );
            self.samples.entry((case, server)).or_default().push(sample);
        }
        Ok(())
    }
}

pub(crate) fn cases(options: &Options) -> impl Iterator<Item = Case> + '_ {
    let of_size = |size| options.in_flight.iter().map(move |&in_flight| Case { size, in_flight });
    options.sizes.iter().copied().flat_map(of_size)
}

fn busy(options: &Options, server: Server, case: Case) -> Result<Sample> {
    let running = server.start(options.server_core)?;
    let mut command = load(server, &running)?;
    command.args(["--connections", &options.connections.to_string()]);
    command.args(["--in-flight", &case.in_flight.to_string()]);
    command.args(["--size", &case.size.to_string()]);
    command.args(["--warm-up", &options.warm_up.to_string()]);
    command.args(["--seconds", &options.seconds.to_string()]);
    let figures = figures(options, command)?;
    let get = |name: &str| figures.get(name).copied().with_context(|| format!("no {name}"));
    let (messages, seconds, cpu) = (get("messages")?, get("seconds")?, get("cpu")?);
    Ok(Sample { cpu: cpu * 1e6 / messages, rate: messages / seconds, busy: cpu / seconds })
}

fn idle(options: &Options, server: Server) -> Result<f64> {
    let running = server.start(options.server_core)?;
    let mut command = load(server, &running)?;
    command.args(["--idle", &options.idle.to_string()]);
    command.args(["--settle", &options.settle.to_string()]);
    let figures = figures(options, command)?;
    let bytes = figures.get("bytes").context("no bytes")?;
    Ok(bytes / 1024.0)
}

fn load(server: Server, running: &Running) -> Result<Command> {
    let mut command = Command::new(beside_us("load")?);
    command.args(["--addr", &running.addr]);
    command.args(["--pid", &running.pid().to_string()]);
    command.args(["--protocol", &server.protocol().to_string()]);
    Ok(command)
}

/// Runs the load generator on its core and reads its line of `name=value` pairs.
fn figures(options: &Options, mut command: Command) -> Result<HashMap<String, f64>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child =
        on_core(options.load_core, || command.spawn())?.context("can't start the load generator: is it built?")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the load generator failed");
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace()
        .map(|pair| {
            let (name, value) = pair.split_once('=').with_context(|| format!("odd figure {pair}"))?;
            Ok((name.to_owned(), value.parse()?))
        })
        .collect()
}
