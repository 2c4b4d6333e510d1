//! Links within and between the pages.

use std::{fs, path::Path};

use super::{page, root};

const PAGES: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "benches/README.md", "book/src/SUMMARY.md"];

/// Every link that leads nowhere, and every page of the book that the summary leaves out.
pub(super) fn broken() -> Vec<String> {
    let mut pages: Vec<String> = PAGES.map(str::to_owned).to_vec();
    let summary = text("book/src/SUMMARY.md");
    for entry in fs::read_dir(root().join("book/src")).expect("the book") {
        let name = entry.expect("a page").file_name().into_string().expect("a name in UTF-8");
        if name.ends_with(".md") && name != "SUMMARY.md" {
            pages.push(format!("book/src/{name}"));
        }
    }
    let left_out = pages.iter().filter_map(|page| page.strip_prefix("book/src/"));
    let left_out = left_out.filter(|name| *name != "SUMMARY.md" && !summary.contains(&format!("({name})")));
    let mut found: Vec<String> = left_out.map(|name| format!("{name} is not in SUMMARY.md")).collect();
    for page in &pages {
        let of_page = targets(&text(page)).into_iter().filter(|target| !leads_somewhere(page, target));
        found.extend(of_page.map(|target| format!("{page}: {target}")));
    }
    found
}

fn text(page: &str) -> String {
    super::read(page)
}

/// What stands in the round brackets of `[text](target)`.
fn targets(page: &str) -> Vec<String> {
    let prose = page::prose(page);
    let ends = prose.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

fn leads_somewhere(page: &str, target: &str) -> bool {
    if target.starts_with("https://") {
        return true;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let own = Path::new(page);
    let file = if file.is_empty() { own.to_owned() } else { own.with_file_name(file) };
    let path = root().join(file);
    if anchor.is_empty() {
        return path.exists();
    }
    let Ok(text) = fs::read_to_string(path) else { return false };
    headings(&text).any(|heading| slug(heading) == anchor)
}

fn headings(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

/// The name that mdBook and code hosts give to a heading.
fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}
