//! The house rules that no compiler checks. They are quoted from the pages that state them: a rule changes there.

mod links;
mod page;
mod rules;
mod source;

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::Source;

/// Lines of code that a file may have.
const MOST_LINES: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fails with all that was found, a line each.
#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

/// `framework/src` keeps the table of rooms in ARCHITECTURE.md.
#[test]
fn imports_point_down() {
    let rules = rules::Rules::read(&read("ARCHITECTURE.md"));
    let sources = source::all("framework/src");
    let mut found: Vec<String> = sources.iter().flat_map(|source| rules.broken_by(source)).collect();
    found.extend(rules.unused(&sources));
    assert_none(&found, "these break the rules in ARCHITECTURE.md");
}

#[test]
fn files_are_short_and_safe() {
    let exceptions = page::exceptions(&read("ARCHITECTURE.md"));
    let excused = |source: &Source, what: &str| {
        exceptions.iter().any(|(file, exception)| *file == source.path && exception == what)
    };
    let mut found = Vec::new();
    for folder in ["framework/src", "framework-macros/src", "examples", "benches"] {
        for source in source::all(folder) {
            if source.lines > MOST_LINES && !excused(&source, "length") {
                found.push(format!("{}: {} lines of code, more than {MOST_LINES}", source.path, source.lines));
            }
            // `Token![unsafe]` in the macros is only the word.
            let mut pairs = source.tokens.windows(2);
            let is_unsafe = pairs.any(|pair| pair[0] != "[" && pair[1] == "unsafe");
            if is_unsafe && source.path.starts_with("framework") && !excused(&source, "unsafe") {
                found.push(format!("{}: `unsafe`", source.path));
            }
        }
    }
    assert_none(&found, "split these up, or write the reason into ARCHITECTURE.md");
}

/// What ARCHITECTURE.md maps is there.
#[test]
fn the_code_map_is_true() {
    let page = read("ARCHITECTURE.md");
    let map = page::fenced(&page, "text").expect("a code map");
    let words = map.split(|letter: char| letter.is_whitespace() || letter == ',');
    let files: Vec<&str> = words.filter(|word| word.ends_with(".rs")).collect();
    let gone = |file: &&&str| !root().join("framework/src").join(file).exists();
    let mut found: Vec<String> = files.iter().filter(gone).map(|file| format!("{file} is not there")).collect();
    for source in source::all("framework/src") {
        let file = source.path.trim_start_matches("framework/src/");
        // `mod.rs` of a room with a table of its own.
        if !files.contains(&file) && !file.ends_with("/mod.rs") {
            found.push(format!("{file} is not on the map"));
        }
    }
    assert_none(&found, "the code map in ARCHITECTURE.md is out of date");
}

/// The book's list has every field of `Limits`, with the default that its comment states.
#[test]
fn the_book_lists_every_limit() {
    let config = read("framework/src/config.rs");
    let (_, fields) = config.split_once("pub struct Limits {").expect("a struct");
    let (fields, _) = fields.split_once("\n}").expect("its end");
    let page = read("book/src/limits.md");
    let rows = page::rows(&page, "Field");
    let mut found = Vec::new();
    let mut comment = String::new();
    for line in fields.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment += text;
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
            let default = comment.split("Default ").nth(1).unwrap_or_default().trim_end_matches('.').to_owned();
            let row = rows.iter().find(|row| row[0] == format!("`{name}`"));
            match row {
                None => found.push(format!("{name} is missing")),
                Some(row) if row[1] != default => found.push(format!("{name} is {default}, not {}", row[1])),
                Some(_) => {}
            }
            comment.clear();
        }
    }
    assert_none(&found, "book/src/limits.md is out of date");
}

/// The README shows the very program that `api.rs` compiles and counts the lines of.
#[test]
fn the_readme_shows_the_echo_program() {
    let readme = read("README.md");
    let shown = page::fenced(&readme, "rust,no_run").expect("a program");
    assert_eq!(shown, read("tests/programs/echo.rs").trim_end());
}

/// Every link of a page leads to a file, and to a heading where it names one.
#[test]
fn links_lead_somewhere() {
    assert_none(&links::broken(), "these links lead nowhere");
}
