//! `instructions`: what callgrind counts, which no neighbour on the machine can change.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::grid::Grid;
use crate::load;
use crate::options::Options;
use crate::server::{COUNTED, Server, TUNABLES, beside_us, titles};

/// Title, kind, size, in flight, messages.
const CASES: [(&str, &str, usize, usize, usize); 5] = [
    ("20 B text, 1 in flight", "text", 20, 1, 1000),
    ("20 B text, 16 in flight", "text", 20, 16, 1600),
    ("1 KiB text, 1 in flight", "text", 1024, 1, 1000),
    ("16 KiB text, 1 in flight", "text", 16384, 1, 200),
    ("16 KiB binary, 1 in flight", "binary", 16384, 1, 200),
];

pub(crate) fn run(options: &Options) -> Result<Vec<Grid>> {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    ensure!(version.is_ok_and(|status| status.success()), "valgrind is missing: install the package `valgrind`");
    let mut grids = vec![codec()?];
    grids.push(servers(options)?);
    Ok(grids)
}

/// The codecs alone. Callgrind writes a part for each case.
fn codec() -> Result<Grid> {
    let file = std::env::temp_dir().join(format!("codec.{}.callgrind", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--combine-dumps=yes"]);
    command.args(["--toggle-collect=codec::measured", "--dump-after=codec::measured"]);
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(beside_us("codec")?);
    let output = command.env("GLIBC_TUNABLES", TUNABLES).stderr(Stdio::null()).output()?;
    ensure!(output.status.success(), "the codec bench failed under valgrind; without: `target/release/codec`");
    let parts = fs::read_to_string(&file)?;
    fs::remove_file(&file)?;
    let totals = parts.lines().filter_map(|line| line.strip_prefix("totals: ")?.trim().parse::<f64>().ok());
    let text = String::from_utf8(output.stdout)?;
    let mut copied = HashMap::new();
    let mut grid = Grid::new("Instructions of the codec per message", "instructions", 0);
    for (line, total) in text.lines().zip(totals) {
        let words: Vec<&str> = line.split(' ').collect();
        let [codec, direction, op, size, depth, messages] = words[..] else { anyhow::bail!("odd line {line}") };
        let case = format!("{direction}, {} {size} B × {depth}", op.to_lowercase());
        let each = total / messages.parse::<f64>()?;
        // Reading is the kernel's work; each codec's count is without it.
        if codec == "copy" {
            copied.insert(case, each);
        } else {
            let copy = copied.get(&case).context("the copy comes first")?;
            grid.add(&case, codec, each - copy);
        }
    }
    ensure!(!grid.cases.is_empty(), "callgrind wrote no parts");
    Ok(grid)
}

/// Whole servers: the difference between two runs with different numbers of messages.
fn servers(options: &Options) -> Result<Grid> {
    let mut grid = Grid::new("Instructions of the server per message", "instructions", 0);
    for server in options.among(&COUNTED) {
        for (title, op, size, in_flight, messages) in CASES {
            let args = |messages: usize| {
                let text = |number: usize| number.to_string();
                let pairs = [("size", text(size)), ("in-flight", text(in_flight)), ("messages", text(messages))];
                [("mode", "count".to_owned()), ("op", op.to_owned())].into_iter().chain(pairs).collect::<Vec<_>>()
            };
            let few = count(options, server, &args(messages))?;
            let many = count(options, server, &args(3 * messages))?;
            let each = (many - few) / (2 * messages) as f64;
            eprintln!("  {title}, {}: {each:.0}", server.title);
            grid.add(title, server.title, each);
        }
    }
    grid.sort_subjects(&titles());
    Ok(grid)
}

fn count(options: &Options, server: Server, args: &[(&str, String)]) -> Result<f64> {
    let running = server.start_counted(options.server_core)?;
    load::run(options, server, &running, args)?;
    running.instructions().with_context(|| server.binary)
}
