//! Runs every server against the load generator, side by side, and says what each message cost.

mod machine;
mod measure;
mod options;
mod report;
mod server;
mod stats;
mod table;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use echo::process::raise_open_files;

use crate::measure::Results;
use crate::options::Options;

fn main() -> Result<()> {
    let options = Options::from_env()?;
    let files = raise_open_files()?;
    options.check_open_files(files)?;
    // Asked for first: afterwards the load average would tell of ourselves.
    let machine = machine::describe();
    let results = Results::collect(&options)?;
    let report = report::render(&options, &machine, &results);
    println!("{report}");
    if options.write {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../RESULTS.md");
        fs::write(&path, report).context("can't write RESULTS.md")?;
        eprintln!("written to benches/RESULTS.md");
    }
    Ok(())
}
