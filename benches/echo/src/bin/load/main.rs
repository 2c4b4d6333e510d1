//! The load generator: one thread, one process, its own core. It asks the kernel what the server spent meanwhile.
//!
//! Prints one line of `name=value` pairs for the runner.

mod client;
mod drive;
mod frame;
mod idle;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use echo::args::Args;
use echo::process::{cpu_time, raise_open_files};
use echo::protocol::Protocol;

use crate::client::Target;
use crate::drive::Drive;

const OPTIONS: &[&str] =
    &["addr", "protocol", "pid", "size", "connections", "in-flight", "warm-up", "seconds", "idle", "settle"];

fn main() -> Result<()> {
    let args = Args::from_env(OPTIONS, &[])?;
    raise_open_files()?;
    let addr: SocketAddr = args.required("addr")?;
    let protocol: Protocol = args.required("protocol")?;
    let target = Target::new(addr, protocol, args.get("size", 20)?);
    let pid: u32 = args.required("pid")?;
    match args.get("idle", 0)? {
        0 => busy(&args, &target, pid),
        count => idle(&args, &target, pid, count),
    }
}

fn busy(args: &Args, target: &Target, pid: u32) -> Result<()> {
    let (connections, in_flight) = (args.get("connections", 100)?, args.get("in-flight", 1)?);
    let warm_up = Duration::from_secs_f64(args.get("warm-up", 0.5)?);
    let window = Duration::from_secs_f64(args.get("seconds", 2.0)?);

    let mut drive = Drive::open(target, connections, in_flight)?;
    drive.run_until(Instant::now() + warm_up)?;
    let (start, before) = (Instant::now(), cpu_time(pid)?);
    let messages = drive.run_until(start + window)?;
    let (elapsed, cpu) = (start.elapsed(), cpu_time(pid)? - before);
    ensure!(messages > 0, "no message came back within {window:?}");
    println!("messages={messages} seconds={} cpu={}", elapsed.as_secs_f64(), cpu.as_secs_f64());
    Ok(())
}

fn idle(args: &Args, target: &Target, pid: u32, count: usize) -> Result<()> {
    let settle = Duration::from_secs_f64(args.get("settle", 2.0)?);
    let bytes = idle::bytes_per_connection(target, pid, count, settle)?;
    println!("connections={count} bytes={bytes}");
    Ok(())
}
