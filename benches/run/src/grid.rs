//! What a bench found: for each subject, in each case, a figure of every round.

use std::collections::BTreeMap;

use crate::stats::{Spread, spread};
use crate::table::Table;

const MISSING: &str = "–";
const MOST_COLUMNS: usize = 7;

#[derive(Debug, Default)]
pub(crate) struct Grid {
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    /// Decimals in the tables.
    pub(crate) digits: usize,
    pub(crate) subjects: Vec<String>,
    pub(crate) cases: Vec<String>,
    /// By round, so that rounds can be compared with each other.
    values: BTreeMap<(String, String), Vec<f64>>,
}

impl Grid {
    pub(crate) fn new(title: &'static str, unit: &'static str, digits: usize) -> Self {
        Self { title, unit, digits, ..Self::default() }
    }

    pub(crate) fn add(&mut self, case: &str, subject: &str, value: f64) {
        for (list, name) in [(&mut self.cases, case), (&mut self.subjects, subject)] {
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
        self.values.entry((case.to_owned(), subject.to_owned())).or_default().push(value);
    }

    /// Rounds begin with different servers; pages do not.
    pub(crate) fn sort_subjects(&mut self, order: &[&str]) {
        self.subjects.sort_by_key(|subject| order.iter().position(|title| title == subject));
    }

    fn rounds(&self, case: &str, subject: &str) -> &[f64] {
        self.values.get(&(case.to_owned(), subject.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn spread(&self, case: &str, subject: &str) -> Option<Spread> {
        spread(self.rounds(case, subject).iter().copied())
    }

    /// Paired by round: both sides of a ratio saw the same machine.
    pub(crate) fn ratio(&self, case: &str, above: &str, below: &str) -> Option<Spread> {
        let pairs = self.rounds(case, above).iter().zip(self.rounds(case, below));
        spread(pairs.map(|(above, below)| above / below))
    }

    /// The same, to whichever of `others` did best by its median.
    pub(crate) fn ratio_to_best(&self, case: &str, above: &str, others: &[&str]) -> Option<Spread> {
        let median = |subject: &&str| self.spread(case, subject).map_or(f64::INFINITY, |spread| spread.median);
        let best = others.iter().min_by(|a, b| median(a).total_cmp(&median(b)))?;
        self.ratio(case, above, best)
    }

    /// Medians, and how far the rounds lay apart.
    pub(crate) fn table(&self) -> String {
        self.each(|case, subject| show(self.spread(case, subject), self.digits))
    }

    /// Each subject's figures over those of `below`.
    pub(crate) fn ratios(&self, below: &str) -> String {
        self.each(|case, subject| show(self.ratio(case, subject, below), 3))
    }

    fn each(&self, cell: impl Fn(&str, &str) -> String) -> String {
        // Many cases go down the page.
        let down = self.cases.len() > MOST_COLUMNS;
        let (rows, columns) = if down { (&self.cases, &self.subjects) } else { (&self.subjects, &self.cases) };
        let mut table = Table::new([""].into_iter().chain(columns.iter().map(String::as_str)));
        for row in rows {
            let cells = columns.iter().map(|column| if down { cell(row, column) } else { cell(column, row) });
            table.row([row.clone()].into_iter().chain(cells));
        }
        table.render()
    }
}

pub(crate) fn show(spread: Option<Spread>, digits: usize) -> String {
    match spread {
        None => MISSING.to_owned(),
        Some(Spread { median, min, max }) if min == max => format!("{median:.digits$}"),
        Some(Spread { median, min, max }) => format!("{median:.digits$} ({min:.digits$}–{max:.digits$})"),
    }
}
