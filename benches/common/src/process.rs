//! What the kernel says about a process, and what we ask of it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// User and system time of all threads of `pid`.
///
/// `schedstat` counts nanoseconds where `/proc/PID/stat` counts ticks of 10 ms. A thread that runs at this moment is
/// behind by one scheduler tick at most, which a window of a second or more does not notice.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task")).context("the server is gone")? {
        let path = task?.path().join("schedstat");
        let text = fs::read_to_string(&path).with_context(|| format!("can't read {path:?}"))?;
        let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
        total += Duration::from_nanos(nanos.context("schedstat starts with no number")?);
    }
    Ok(total)
}

/// Resident memory of `pid` in bytes. Kernel memory (socket buffers) is not in it.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the server is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.context("the status has no VmRSS")?.parse()?;
    Ok(kib * 1024)
}

/// Asks `pid` to end.
pub fn terminate(pid: u32) -> Result<()> {
    let pid = Pid::from_raw(pid.try_into()?).context("no process has the number 0")?;
    Ok(kill_process(pid, Signal::TERM)?)
}

/// Lifts the limit on open files as far as this process may. Children inherit it.
pub fn raise_open_files() -> Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("can't raise the limit on open files")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Runs `work` on one core, then goes back to where it ran before.
///
/// Children inherit the core from their first instruction on, so no thread of theirs ever starts elsewhere.
pub fn on_core<T>(core: usize, work: impl FnOnce() -> T) -> Result<T> {
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).with_context(|| format!("can't run on core {core}"))?;
    let result = work();
    sched_setaffinity(None, &before)?;
    Ok(result)
}
