//! Where and when: figures without it say nothing.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// TCP's congestion control: BBR paces even over loop-back.
    pub(crate) congestion: String,
    pub(crate) rustc: String,
    /// The load average when we began: whether others were at work.
    pub(crate) load: String,
}

pub(crate) fn describe() -> Machine {
    Machine {
        date: output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        cpu: cpu_model(),
        cores: available_parallelism().map_or(1, usize::from),
        kernel: output("uname", &["-sr"]),
        congestion: first_word("/proc/sys/net/ipv4/tcp_congestion_control"),
        rustc: output("rustc", &["--version"]),
        load: first_word("/proc/loadavg"),
    }
}

/// The versions that the lockfile gives to the crates we measure.
pub(crate) fn versions(crates: &[&str]) -> String {
    let lock = include_str!("../../Cargo.lock");
    let version = |name: &str| {
        // The newest, where the lockfile has several: the others are some peer's.
        let (_, after) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(after.split('"').next()?.to_owned())
    };
    let found = crates.iter().filter_map(|name| Some(format!("{name} {}", version(name)?)));
    found.collect::<Vec<_>>().join(", ")
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or_else(unknown, |model| model.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| unknown(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn first_word(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().next().map_or_else(unknown, str::to_owned)
}

fn unknown() -> String {
    "unknown".to_owned()
}
