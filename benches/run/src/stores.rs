//! `stores`: messages that are stored through a room, beside plain batched inserts through the same driver.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io, process};

use anyhow::{Context, Result, ensure};
use common::process::on_core;

use crate::grid::Grid;
use crate::load::Figures;
use crate::options::Options;
use crate::server::beside_us;
use crate::service::Service;

pub(crate) const PLAIN: &str = "plain inserts";
const SUBJECTS: [(&str, &str); 2] = [("plain", PLAIN), ("sockeye", "sockeye")];
/// Who publish at a time; or rows in one insert.
const PUBLISHERS: [usize; 3] = [1, 64, 256];

/// A folder for the files of SQLite, on the disk that holds the benches, and gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let path = env::current_exe()?.with_file_name(format!("stores-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<Vec<Grid>> {
    let (folder, server) = (Folder::new()?, Service::start("postgres", options.load_core)?);
    let mut grids = Vec::new();
    for (store, title) in
        [("sqlite", "Messages stored a second, in SQLite"), ("postgres", "Messages stored a second, in PostgreSQL")]
    {
        let mut grid = Grid::new(title, "thousands", 2);
        for round in 0..options.rounds {
            for publishers in PUBLISHERS {
                for index in 0..SUBJECTS.len() {
                    let (subject, of) = SUBJECTS[(index + round) % SUBJECTS.len()];
                    // Each run has a file of its own; in PostgreSQL a room.
                    let file = folder.0.join(format!("{subject}-{publishers}-{round}.db"));
                    let at = if store == "sqlite" { &file } else { Path::new(&server.url) };
                    let rate = sample(options, store, subject, at, publishers)?.get("rate")? / 1000.0;
                    grid.add(&format!("{publishers} at a time"), of, rate);
                }
            }
            eprintln!("round {} of {}", round + 1, options.rounds);
        }
        grid.sort_subjects(&SUBJECTS.map(|(_, title)| title));
        grids.push(grid);
    }
    Ok(grids)
}

/// Runs on the server's core, PostgreSQL on the other one.
fn sample(options: &Options, store: &str, subject: &str, at: &Path, publishers: usize) -> Result<Figures> {
    let mut command = Command::new(beside_us("stores")?);
    command.args(["--store", store, "--subject", subject, "--publishers", &publishers.to_string(), "--at"]).arg(at);
    command.args(["--seconds", &options.seconds.to_string(), "--warm-up", &options.warm_up.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = on_core(options.server_core, || command.spawn())?.context("can't start `stores`: is it built?")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{subject} with {store} has failed");
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    eprintln!("  {store}, {subject}, {publishers} at a time: {text}");
    Figures::read(output.stdout)
}
