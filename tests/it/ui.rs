//! What the macros say about mistakes, and what they must accept. One mistake a file, by topic.
//!
//! After a change: `TRYBUILD=overwrite cargo test -p sockeye-tests --test it ui`, then read the
//! difference as a newcomer would. `UI_CASE=path/empty` runs that case alone.

use std::{env, fs, path::PathBuf};

const TOPICS: [&str; 9] =
    ["path", "arguments", "shape", "options", "router", "extractors", "params", "mistakes", "events"];

/// Cases in which more than one error is the point.
const MANY: [&str; 4] = ["path/several", "shape/all_at_once", "shape/constant", "events/not_sync"];

/// Its tests run here, as what passes is not compiled as a test.
#[allow(dead_code)]
#[path = "../ui/pass/async_tests.rs"]
mod async_tests;

#[test]
fn compile_errors_and_what_compiles() {
    let cases = trybuild::TestCases::new();
    let only = env::var("UI_CASE").unwrap_or_default();
    for topic in TOPICS {
        for case in files(topic, "rs").into_iter().filter(|case| case.contains(&only)) {
            cases.compile_fail(format!("ui/{case}.rs"));
        }
    }
    for case in files("pass", "rs").into_iter().filter(|case| case.contains(&only)) {
        cases.pass(format!("ui/{case}.rs"));
    }
}

/// One mistake, one error, and no warning beside it.
#[test]
fn one_mistake_gives_one_error() {
    for case in TOPICS.into_iter().flat_map(|topic| files(topic, "stderr")) {
        let text = fs::read_to_string(folder().join(&case).with_extension("stderr")).expect("a readable file");
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        let warnings = text.lines().filter(|line| line.starts_with("warning")).count();
        let many = MANY.contains(&case.as_str());
        assert!(warnings == 0 && (errors == 1) != many, "{case}: {errors} errors, {warnings} warnings");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("ui")
}

/// The files of a topic, without their ending.
fn files(topic: &str, ending: &str) -> Vec<String> {
    let entries = fs::read_dir(folder().join(topic)).expect("a folder of cases");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let stems = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
    let mut names: Vec<String> =
        stems.filter_map(|path| Some(format!("{topic}/{}", path.file_stem()?.to_str()?))).collect();
    names.sort();
    assert!(!names.is_empty(), "no `.{ending}` in {topic}");
    names
}
