//! The page that is printed and, with `--write`, kept.

use crate::machine::{Machine, versions};
use crate::measure::{Case, Results, Sample, cases};
use crate::options::Options;
use crate::server::{AXUM, OURS, RAW, Server};
use crate::stats::{Spread, spread};
use crate::table::Table;

const MISSING: &str = "–";

pub(crate) fn render(options: &Options, machine: &Machine, results: &Results) -> String {
    let mut page = header(options, machine);
    page += "\n## CPU time of the server per message, µs\n\nMedian of the rounds (smallest–largest).\n\n";
    page += &per_case(options, |case, server| show(results.spread(case, server, |sample| sample.cpu), 3));
    page += "\n## Memory per idle connection, KiB\n\nGrowth of the server's resident memory.\n\n";
    page += &memory(options, results);
    page += "\n## What the design promises\n\nRatios are medians of each round's own ratio, at 20 bytes.\n\n";
    page += &promises(results);
    page += "\n## Beside that\n\nMessages per second, and how much of its core the server used.\n\n";
    page += &per_case(options, |case, server| rate(results, case, server));
    page
}

fn header(options: &Options, machine: &Machine) -> String {
    let Machine { date, cpu, cores, kernel, rustc, load } = machine;
    let Options { rounds, seconds, warm_up, connections, idle, .. } = options;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let command = format!("scripts/bench {}", args.join(" "));
    format!(
        "# benches/echo\n\n\
         {date}, `{}`\n\n\
         {cpu}, {cores} cores, {kernel}, {rustc}; load average before: {load}. {}.\n\
         Server on core {}, load generator on core {}. {rounds} rounds of {seconds} s after {warm_up} s of warm-up, \
         {connections} connections; memory at {idle} idle connections.\n",
        command.trim_end(),
        versions(&["axum", "tokio", "hyper"]),
        options.server_core,
        options.load_core,
    )
}

fn per_case(options: &Options, cell: impl Fn(Case, Server) -> String) -> String {
    let title = |case: Case| format!("{} B, {} in flight", case.size, case.in_flight);
    let head = ["server".to_owned()].into_iter().chain(cases(options).map(title));
    let mut table = Table::new(head);
    for &server in &options.servers {
        let cells = cases(options).map(|case| cell(case, server));
        table.row([server.title.to_owned()].into_iter().chain(cells));
    }
    table.render()
}

fn memory(options: &Options, results: &Results) -> String {
    let mut table = Table::new(["server", "KiB"]);
    for server in &options.servers {
        let kib = results.memory.get(server);
        table.row([server.title.to_owned(), kib.map_or(MISSING.to_owned(), |kib| format!("{kib:.2}"))]);
    }
    table.render()
}

/// The three figures that the design was chosen for, beside what was expected of it.
fn promises(results: &Results) -> String {
    let single = results.ratio(Case { size: 20, in_flight: 1 }, OURS, RAW);
    let pipelined = results.ratio(Case { size: 20, in_flight: 16 }, OURS, AXUM);
    let memory = results.memory.get(&OURS).copied();
    let rows = [
        ("sockeye ÷ raw, 1 in flight", single.map(|ratio| ratio.median), show(single, 2), 1.15),
        ("sockeye ÷ axum, 16 in flight", pipelined.map(|ratio| ratio.median), show(pipelined, 3), 0.15),
        ("KiB per idle connection", memory, memory.map_or(MISSING.to_owned(), |kib| format!("{kib:.2}")), 3.0),
    ];
    let mut table = Table::new(["figure", "measured", "expected", "kept"]);
    for (figure, value, shown, most) in rows {
        let kept = value.map_or(MISSING, |value| if value <= most { "yes" } else { "no" });
        table.row([figure.to_owned(), shown, format!("at most {most}"), kept.to_owned()]);
    }
    table.render()
}

fn rate(results: &Results, case: Case, server: Server) -> String {
    let rate = results.spread(case, server, |sample| sample.rate);
    let busy = results.spread(case, server, |sample| sample.busy);
    match (rate, busy) {
        (Some(rate), Some(busy)) => format!("{:.0}, {:.0} %", rate.median, busy.median * 100.0),
        _ => MISSING.to_owned(),
    }
}

fn show(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or(MISSING.to_owned(), |Spread { median, min, max }| {
        format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
    })
}

impl Results {
    fn rounds(&self, case: Case, server: Server) -> &[Sample] {
        self.samples.get(&(case, server)).map_or(&[], Vec::as_slice)
    }

    fn spread(&self, case: Case, server: Server, field: fn(&Sample) -> f64) -> Option<Spread> {
        spread(self.rounds(case, server).iter().map(field))
    }

    /// Paired by round: both sides of a ratio saw the same machine.
    fn ratio(&self, case: Case, above: Server, below: Server) -> Option<Spread> {
        let pairs = self.rounds(case, above).iter().zip(self.rounds(case, below));
        spread(pairs.map(|(above, below)| above.cpu / below.cpu))
    }
}
