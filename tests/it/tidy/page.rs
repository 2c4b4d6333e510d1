//! Reading markdown, as far as the rules need it.

/// The rows of the first table whose first heading is `heading`, cell by cell.
pub(super) fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| cells(line).first().is_none_or(|first| first != heading)).skip(2);
    let rows: Vec<_> = lines.by_ref().take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "no table of `{heading}`");
    rows
}

/// The same for a table that several have the first heading of: `second` tells them apart.
pub(super) fn rows_of(page: &str, heading: &str, second: &str) -> Vec<Vec<String>> {
    let head = format!("| {heading} | {second} |");
    let at = page.find(&head).unwrap_or_else(|| panic!("no table that starts with `{head}`"));
    rows(&page[at..], heading)
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
    inner.map(|inner| inner.split('|').map(|cell| cell.trim().to_owned()).collect()).unwrap_or_default()
}

/// What stands between backticks.
pub(super) fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first fenced block with this info string.
pub(super) fn fenced<'p>(page: &'p str, info: &str) -> Option<&'p str> {
    let (_, rest) = page.split_once(&format!("```{info}\n"))?;
    rest.split_once("\n```").map(|(block, _)| block)
}

/// File and exception, out of ARCHITECTURE.md.
pub(super) fn exceptions(page: &str) -> Vec<(String, String)> {
    let rows = rows_of(page, "File", "Exception");
    let reasoned = rows.iter().inspect(|row| assert!(row[2].len() > 20, "{} needs a reason", row[0]));
    reasoned.map(|row| (quoted(&row[0]).concat(), quoted(&row[1]).concat())).collect()
}

/// The page without its code: neither fenced blocks nor what stands between backticks.
pub(super) fn prose(page: &str) -> String {
    let mut in_block = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            // A link's text may be code: only what could be mistaken for a link goes.
            let parts = line.split('`').enumerate();
            parts.for_each(|(index, part)| {
                if index % 2 == 0 {
                    prose += part
                }
            });
        }
        prose.push('\n');
    }
    prose
}
