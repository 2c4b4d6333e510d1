//! The page that is printed and, with `--write`, kept: a section for each bench, with a plot.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::grid::Grid;
use crate::machine::{Machine, versions};
use crate::options::Options;
use crate::server::{AXUM, RULER};
use crate::timed::DEEP_QUEUES;
use crate::{brokers, plot, promises, stores};

const HEAD: &str = "# Results\n\nHow to read them: [README](README.md). `scripts/bench --write` writes this page; with the \
                    name of a bench, only its section.\n";
const TABLE: &str = "What was promised";

pub(crate) struct Page<'a> {
    /// Titles and texts.
    sections: Vec<(String, String)>,
    grids: &'a [(&'static str, Grid)],
}

impl<'a> Page<'a> {
    pub(crate) fn new(options: &Options, machine: &Machine, grids: &'a [(&'static str, Grid)]) -> Self {
        let origin = origin(options, machine);
        let mut sections = Vec::new();
        // The table belongs to one run of everything.
        if env::args().nth(1).is_none_or(|word| word.starts_with("--")) {
            let text = "Ours over another's: medians of each round's own ratio (smallest–largest).";
            sections.push((TABLE.to_owned(), format!("{origin}\n{text}\n\n{}", promises::table(grids))));
        }
        for (index, (bench, grid)) in grids.iter().enumerate() {
            let mut text = format!("{origin}\n{}, in {}.\n\n{}", grid.title, grid.unit, grid.table());
            if *bench != "instructions" && grid.subjects.iter().any(|subject| subject == AXUM.title) {
                text += &format!("\nOver axum's, each round by itself:\n\n{}", grid.ratios(AXUM.title));
            }
            if *bench == "fanout" {
                text += &format!("\nOver the raw sends, each round by itself:\n\n{}", grid.ratios(RULER.title));
            }
            if *bench == "broker" {
                text += &format!("\nOver the bare loop, each round by itself:\n\n{}", grid.ratios(brokers::BARE));
            }
            if *bench == "stores" {
                text += &format!("\nOver the plain inserts, each round by itself:\n\n{}", grid.ratios(stores::PLAIN));
            }
            text += &format!("\n![{}]({})\n", grid.title, plot_name(bench, index, grids));
            sections.push((grid.title.to_owned(), text));
        }
        Self { sections, grids }
    }

    pub(crate) fn text(&self) -> String {
        self.sections.iter().fold(HEAD.to_owned(), |page, section| page + &render(section))
    }

    /// Sections that were not measured now stay as they are; a run of everything writes all anew.
    pub(crate) fn write(&self) -> io::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let file = folder.join("RESULTS.md");
        let old = fs::read_to_string(&file).unwrap_or_default();
        let all = self.sections.iter().any(|(title, _)| title == TABLE);
        let mut sections = if all { Vec::new() } else { read(&old) };
        for (title, text) in &self.sections {
            match sections.iter_mut().find(|(known, _)| known == title) {
                Some((_, kept)) => kept.clone_from(text),
                None => sections.push((title.clone(), text.clone())),
            }
        }
        fs::write(&file, sections.iter().fold(HEAD.to_owned(), |page, section| page + &render(section)))?;
        fs::create_dir_all(folder.join("plots"))?;
        for (index, (bench, grid)) in self.grids.iter().enumerate() {
            fs::write(folder.join(plot_name(bench, index, self.grids)), plot::svg(grid))?;
        }
        Ok(())
    }
}

fn render((title, text): &(String, String)) -> String {
    format!("\n## {title}\n\n{text}")
}

/// The sections of a page that we wrote.
fn read(page: &str) -> Vec<(String, String)> {
    let parts = page.split("\n## ").skip(1);
    let parts = parts.filter_map(|part| part.split_once("\n\n"));
    parts.map(|(title, text)| (title.to_owned(), format!("{}\n", text.trim_end()))).collect()
}

/// A bench with two grids has two plots.
fn plot_name(bench: &str, index: usize, grids: &[(&str, Grid)]) -> String {
    let earlier = grids[..index].iter().filter(|(name, _)| *name == bench).count();
    let number = if earlier == 0 { String::new() } else { format!("-{}", earlier + 1) };
    PathBuf::from("plots").join(format!("{bench}{number}.svg")).display().to_string()
}

fn origin(options: &Options, machine: &Machine) -> String {
    let Machine { date, cpu, cores, kernel, congestion, rustc, load } = machine;
    let Options { rounds, seconds, warm_up, idle, server_core, load_core, .. } = options;
    let args: Vec<String> = env::args().skip(1).collect();
    let command = format!("scripts/bench {}", args.join(" "));
    let versions = versions(&[
        "actix-ws",
        "async-nats",
        "axum",
        "fastwebsockets",
        "hyper",
        "redis",
        "rocket_ws",
        "rusqlite",
        "sockudo-ws",
        "tokio",
        "tokio-postgres",
        "tokio-tungstenite",
        "tokio-websockets",
        "yawc",
    ]);
    format!(
        "{date}, `{}`. {cpu}, {cores} cores, {kernel} with {congestion}, {rustc}; load average before: {load}. {versions}. Server on core \
         {server_core}, load generator on core {load_core}; {rounds} rounds of {seconds} s after {warm_up} s of warm-up, \
         where much is queued {DEEP_QUEUES} s at least; {idle} idle connections.\n",
        command.trim_end(),
    )
}
