//! The load generator: one thread, one process, its own core. It asks the kernel what the server spent meanwhile.
//!
//! Prints one line of `name=value` pairs for the runner.

mod client;
mod cycle;
mod documents;
mod drive;
mod fanout;
mod idle;
mod script;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use common::args::Args;
use common::frame::Op;
use common::process::{cpu_time, raise_open_files};

use crate::client::Target;
use crate::drive::{Drive, Until};
use crate::fanout::Fanout;

const OPTIONS: &[&str] = &[
    "mode",
    "addr",
    "protocol",
    "pid",
    "op",
    "size",
    "connections",
    "in-flight",
    "warm-up",
    "seconds",
    "messages",
    "settle",
];

fn main() -> Result<()> {
    let args = Args::from_env(OPTIONS, &[])?;
    raise_open_files()?;
    let addr: SocketAddr = args.required("addr")?;
    let op = match args.text("op") {
        None | Some("text") => Op::Text,
        Some("binary") => Op::Binary,
        Some(other) => bail!("--op is text or binary, not {other}"),
    };
    let size = args.get("size", 20)?;
    let target = Target::new(addr, args.required("protocol")?, op, size);
    match args.text("mode") {
        Some("echo") => echo(&args, &target),
        Some("deflate") => echo(&args, &target.deflating()?),
        Some("count") => count(&args, &target),
        Some("idle") => idle(&args, &target),
        Some("connect") => connect(&args, &target),
        Some("fanout") => fanout(&args, &target.at("/fanout"), op, size),
        other => bail!("--mode is echo, deflate, count, idle, connect or fanout, not {other:?}"),
    }
}

/// For some time.
fn echo(args: &Args, target: &Target) -> Result<()> {
    let mut drive = Drive::open(target, args.get("connections", 100)?, args.get("in-flight", 1)?)?;
    window(args, |until| drive.run(until))
}

/// Whole connections for some time.
fn connect(args: &Args, target: &Target) -> Result<()> {
    let mut cycles = cycle::Cycles::start(target, args.get("connections", 32)?)?;
    window(args, |until| cycles.run(until))
}

/// One to all for some time.
fn fanout(args: &Args, target: &Target, op: Op, size: usize) -> Result<()> {
    let (members, in_flight) = (args.get("connections", 1000)?, args.get("in-flight", 1)?);
    let mut fanout = Fanout::open(target, op, size, members, in_flight)?;
    window(args, |until| fanout.run(until))
}

/// What the server spends in a window, after a warm-up.
fn window(args: &Args, mut run: impl FnMut(Until) -> Result<u64>) -> Result<()> {
    let pid: u32 = args.required("pid")?;
    let warm_up = Duration::from_secs_f64(args.get("warm-up", 0.25)?);
    let window = Duration::from_secs_f64(args.get("seconds", 1.0)?);
    run(Until::Time(Instant::now() + warm_up))?;
    let (start, before) = (Instant::now(), cpu_time(pid)?);
    let messages = run(Until::Time(start + window))?;
    let (elapsed, cpu) = (start.elapsed(), cpu_time(pid)? - before);
    ensure!(messages > 0, "nothing came back within {window:?}");
    println!("messages={messages} seconds={} cpu={}", elapsed.as_secs_f64(), cpu.as_secs_f64());
    Ok(())
}

/// A number of messages on one connection, for callgrind: how they fall together is then always the same.
fn count(args: &Args, target: &Target) -> Result<()> {
    let messages = args.required("messages")?;
    let mut drive = Drive::open(target, 1, args.get("in-flight", 1)?)?;
    let came = drive.run(Until::Messages(messages))?;
    println!("messages={came}");
    Ok(())
}

fn idle(args: &Args, target: &Target) -> Result<()> {
    let settle = Duration::from_secs_f64(args.get("settle", 2.0)?);
    let count = args.required("connections")?;
    let bytes = idle::bytes_per_connection(target, args.required("pid")?, count, settle)?;
    println!("connections={count} bytes={bytes}");
    Ok(())
}
