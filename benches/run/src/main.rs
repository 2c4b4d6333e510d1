//! Runs every server against the load generator, side by side, and says what each message cost.

mod brokers;
mod grid;
mod idle;
mod instructions;
mod load;
mod machine;
mod options;
mod page;
mod plot;
mod promises;
mod server;
mod service;
mod stats;
mod stores;
mod table;
mod timed;

use anyhow::{Context, Result};
use common::process::raise_open_files;

use crate::grid::Grid;
use crate::options::Options;

fn main() -> Result<()> {
    let options = Options::from_env()?;
    options.check_open_files(raise_open_files()?)?;
    // Asked for first: afterwards the load average would tell of ourselves.
    let machine = machine::describe();
    let mut grids = Vec::new();
    for &bench in &options.benches {
        eprintln!("{bench}:");
        let found: Vec<Grid> = match bench {
            "broker" => brokers::run(&options)?,
            "idle" => vec![idle::run(&options)?],
            "instructions" => instructions::run(&options)?,
            "stores" => stores::run(&options)?,
            _ => vec![timed::run(&options, bench)?],
        };
        grids.extend(found.into_iter().map(|grid| (bench, grid)));
    }
    if options.smoke {
        println!("every server works");
        return Ok(());
    }
    let page = page::Page::new(&options, &machine, &grids);
    println!("{}", page.text());
    if options.write {
        page.write().context("can't write the results")?;
        eprintln!("written to benches/RESULTS.md");
    }
    Ok(())
}
