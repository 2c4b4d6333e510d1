//! `echo`, `connect`, `deflate` and `fanout`: the server's CPU time for each message, life of a connection or delivery.

use anyhow::Result;

use crate::grid::Grid;
use crate::load;
use crate::options::Options;
use crate::server::{COMPRESSING, FANNING, Server, titles};

/// What the load generator is told in a case.
struct Case {
    title: &'static str,
    mode: &'static str,
    args: [(&'static str, &'static str); 4],
    /// Seconds that it is warmed up for at least.
    warm_up: f64,
}

/// What queues much in the kernel touches some 500 MiB of its memory before it goes in circles. Where a hypervisor has taken
/// free memory back, each page of it costs 10 µs the first time: whoever comes first would pay for all.
pub(crate) const DEEP_QUEUES: f64 = 2.0;

const fn echo(
    title: &'static str,
    op: &'static str,
    size: &'static str,
    in_flight: &'static str,
    connections: &'static str,
) -> Case {
    let args = [("op", op), ("size", size), ("in-flight", in_flight), ("connections", connections)];
    Case { title, mode: "echo", args, warm_up: 0.0 }
}

const ECHO: [Case; 8] = [
    echo(SMALL, "text", "20", "1", "100"),
    echo(SMALL_16, "text", "20", "16", "100"),
    echo("1 KiB text, 1 in flight", "text", "1024", "1", "100"),
    echo("1 KiB text, 16 in flight", "text", "1024", "16", "100"),
    echo(LARGE_TEXT, "text", "16384", "1", "20"),
    echo(LARGE_BINARY, "binary", "16384", "1", "20"),
    Case { warm_up: DEEP_QUEUES, ..echo(LARGE_16, "binary", "16384", "16", "20") },
    Case { warm_up: DEEP_QUEUES, ..echo(HUGE, "binary", "1048576", "1", "4") },
];
const CONNECT: [Case; 1] = [Case { mode: "connect", ..echo(CYCLE, "text", "20", "1", "32") }];
const DEFLATE: [Case; 2] = [
    Case { mode: "deflate", ..echo(JSON, "text", "20", "1", "100") },
    Case { mode: "deflate", ..echo("1 KiB JSON, 16 in flight", "text", "20", "16", "100") },
];

const fn fanout(title: &'static str, size: &'static str, in_flight: &'static str, members: &'static str) -> Case {
    Case { mode: "fanout", ..echo(title, "text", size, in_flight, members) }
}

const FANOUT: [Case; 8] = [
    fanout(ROOM_64, "64", "1", "1000"),
    fanout(ROOM_64_16, "64", "16", "1000"),
    fanout(ROOM_1K, "1024", "1", "1000"),
    fanout(ROOM_1K_16, "1024", "16", "1000"),
    fanout(HALL_64, "64", "1", "10000"),
    fanout(HALL_64_16, "64", "16", "10000"),
    fanout(HALL_1K, "1024", "1", "10000"),
    fanout(HALL_1K_16, "1024", "16", "10000"),
];
pub(crate) const MOST_MEMBERS: usize = 10_000;

pub(crate) const SMALL: &str = "20 B text, 1 in flight";
pub(crate) const SMALL_16: &str = "20 B text, 16 in flight";
pub(crate) const LARGE_TEXT: &str = "16 KiB text, 1 in flight";
pub(crate) const LARGE_BINARY: &str = "16 KiB binary, 1 in flight";
pub(crate) const LARGE_16: &str = "16 KiB binary, 16 in flight";
pub(crate) const HUGE: &str = "1 MiB binary, 1 in flight";
pub(crate) const CYCLE: &str = "connect, upgrade, echo, close";
pub(crate) const JSON: &str = "1 KiB JSON, 1 in flight";
pub(crate) const ROOM_64: &str = "1,000 members, 64 B, 1 in flight";
pub(crate) const ROOM_64_16: &str = "1,000 members, 64 B, 16 in flight";
pub(crate) const ROOM_1K: &str = "1,000 members, 1 KiB, 1 in flight";
pub(crate) const ROOM_1K_16: &str = "1,000 members, 1 KiB, 16 in flight";
pub(crate) const HALL_64: &str = "10,000 members, 64 B, 1 in flight";
pub(crate) const HALL_64_16: &str = "10,000 members, 64 B, 16 in flight";
pub(crate) const HALL_1K: &str = "10,000 members, 1 KiB, 1 in flight";
pub(crate) const HALL_1K_16: &str = "10,000 members, 1 KiB, 16 in flight";

pub(crate) fn run(options: &Options, bench: &str) -> Result<Grid> {
    let (title, cases, servers): (_, &[Case], _) = match bench {
        "connect" => ("CPU time of the server for a connection's life", &CONNECT, options.servers.clone()),
        "deflate" => ("CPU time of the server per compressed message", &DEFLATE, options.among(&COMPRESSING)),
        "fanout" => ("CPU time of the server per delivery", &FANOUT, options.among(&FANNING)),
        _ => ("CPU time of the server per message", &ECHO, options.servers.clone()),
    };
    let mut grid = Grid::new(title, "µs", 3);
    for round in 0..options.rounds {
        for case in cases {
            for index in 0..servers.len() {
                // Each round begins with another server, so that a neighbour that stirs every some seconds does not
                // always hit the same.
                let server = servers[(index + round) % servers.len()];
                grid.add(case.title, server.title, sample(options, server, case)?);
            }
        }
        eprintln!("round {} of {}", round + 1, options.rounds);
    }
    grid.sort_subjects(&titles());
    Ok(grid)
}

/// Microseconds of one server in one case in one round.
fn sample(options: &Options, server: Server, case: &Case) -> Result<f64> {
    let running = server.start(options.server_core)?;
    let warm_up = if options.smoke { options.warm_up } else { options.warm_up.max(case.warm_up) };
    let mut args = vec![
        ("mode", case.mode.to_owned()),
        ("seconds", options.seconds.to_string()),
        ("warm-up", warm_up.to_string()),
    ];
    args.extend(case.args.map(|(name, value)| (name, value.to_owned())));
    if case.mode == "fanout" {
        let members =
            case.args.iter().find(|(name, _)| *name == "connections").and_then(|(_, count)| count.parse().ok());
        args.push(("connections", options.members(members.unwrap_or(MOST_MEMBERS)).to_string()));
    }
    let figures = load::run(options, server, &running, &args)?;
    let (messages, seconds, cpu) = (figures.get("messages")?, figures.get("seconds")?, figures.get("cpu")?);
    let micros = cpu * 1e6 / messages;
    let (rate, busy) = (messages / seconds, cpu / seconds * 100.0);
    eprintln!("  {}, {}: {micros:.3} µs, {rate:.0} a second, server busy {busy:.0} %", case.title, server.title);
    Ok(micros)
}
