use super::{Entry, run};
use crate::testing::{assert_expansion, formatted, tokens};

#[test]
fn main_brings_a_runtime() {
    let function = tokens("/// Serves.\nasync fn main() -> Result<()> { serve().await }");
    assert_expansion("main", run(Entry::Main, tokens(""), function));
}

#[test]
fn a_test_keeps_its_attributes() {
    let function = tokens("#[should_panic] async fn waits() { panic!() }");
    assert_expansion("test", run(Entry::Test, tokens("start_paused = true"), function));
}

fn errors(entry: Entry, attribute: &str, function: &str) -> usize {
    let text = run(entry, tokens(attribute), tokens(function)).to_string();
    text.matches("compile_error").count()
}

#[test]
fn options_fit_together() {
    let good = "async fn x() {}";
    assert_eq!(errors(Entry::Test, "worker_threads = 2", good), 0);
    assert_eq!(errors(Entry::Test, "flavor = \"current_thread\", worker_threads = 2", good), 1);
    assert_eq!(errors(Entry::Main, "start_paused = true", good), 1);
    assert_eq!(errors(Entry::Main, "start_paused, flavor = \"current_thread\"", good), 0);
    assert_eq!(errors(Entry::Main, "flavor = \"multithread\"", good), 1);
}

#[test]
fn shapes_that_cannot_be_run() {
    assert_eq!(errors(Entry::Main, "", "fn main() {}"), 1);
    assert_eq!(errors(Entry::Main, "", "async fn main(x: u8) {}"), 1);
    assert_eq!(errors(Entry::Test, "", "async fn x(&self) {}"), 1);
    assert_eq!(errors(Entry::Test, "", "async fn x<T>() {}"), 1);
    assert_eq!(errors(Entry::Test, "", "#[test] async fn x() {}"), 1);
    assert_eq!(errors(Entry::Test, "", "struct X;"), 1);
}

#[test]
fn a_main_with_mistakes_is_still_a_main() {
    let text = formatted(run(Entry::Main, tokens(""), tokens("async fn main(x: u8) -> u8 { x }")));
    assert!(text.contains("fn main() {"), "{text}");
    assert!(text.contains("async fn main(x: u8) -> u8"), "{text}");
}
