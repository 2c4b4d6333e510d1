//! `broker`: from one node to another over Redis and NATS, beside a bare loop through the same client libraries.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use common::process::on_core;

use crate::grid::Grid;
use crate::load::Figures;
use crate::options::Options;
use crate::server::beside_us;
use crate::service::Service;

pub(crate) const BARE: &str = "bare loop";
const SUBJECTS: [(&str, &str); 2] = [("bare", BARE), ("sockeye", "sockeye")];
const SIZES: [(&str, &str); 2] = [("64", "64 B"), ("1024", "1 KiB")];
/// In flight where it is about how many pass.
const MANY: usize = 64;

pub(crate) fn run(options: &Options) -> Result<Vec<Grid>> {
    let mut grids = Vec::new();
    for (name, latency, rate) in [
        ("redis", "From node to node over Redis", "Messages a second, from node to node over Redis"),
        ("nats", "From node to node over NATS", "Messages a second, from node to node over NATS"),
    ] {
        let service = Service::start(name, options.load_core)?;
        let (mut latency, mut rate) = (Grid::new(latency, "µs", 0), Grid::new(rate, "thousands", 1));
        for round in 0..options.rounds {
            for (size, title) in SIZES {
                for index in 0..SUBJECTS.len() {
                    let (subject, of) = SUBJECTS[(index + round) % SUBJECTS.len()];
                    let one = sample(options, &service, name, subject, size, 1)?;
                    latency.add(&format!("{title}, median"), of, one.get("p50")?);
                    latency.add(&format!("{title}, 99th of 100"), of, one.get("p99")?);
                    let many = sample(options, &service, name, subject, size, MANY)?.get("rate")? / 1000.0;
                    rate.add(&format!("{title}, {MANY} in flight"), of, many);
                }
            }
            eprintln!("round {} of {}", round + 1, options.rounds);
        }
        for mut grid in [latency, rate] {
            grid.sort_subjects(&SUBJECTS.map(|(_, title)| title));
            grids.push(grid);
        }
    }
    Ok(grids)
}

/// Both ends run on the server's core, the broker on the other one.
fn sample(
    options: &Options,
    service: &Service,
    broker: &str,
    subject: &str,
    size: &str,
    in_flight: usize,
) -> Result<Figures> {
    let mut command = Command::new(beside_us("brokers")?);
    command.args(["--broker", broker, "--subject", subject, "--size", size, "--url", &service.url]);
    command.args(["--in-flight", &in_flight.to_string(), "--seconds", &options.seconds.to_string()]);
    command.args(["--warm-up", &options.warm_up.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let child = on_core(options.server_core, || command.spawn())?.context("can't start `brokers`: is it built?")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{subject} over {broker} has failed");
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    eprintln!("  {broker}, {subject}, {size} B, {in_flight} in flight: {text}");
    Figures::read(output.stdout)
}
