//! The model that needs nobody.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use sockeye::{Result, time::sleep};

use super::Failure;

/// As a person reads along.
const PAUSE: Duration = Duration::from_millis(40);
/// Words of the question that are repeated.
const QUOTED: usize = 20;

/// An answer word by word, each with the space behind it.
pub(super) fn answer(question: &str) -> impl Stream<Item = Result<String, Failure>> + Send + use<> {
    let words: Vec<String> = text(question).split_inclusive(' ').map(str::to_owned).collect();
    stream::iter(words).then(async |word| {
        sleep(PAUSE).await;
        Ok(word)
    })
}

fn text(question: &str) -> String {
    let words: Vec<&str> = question.split_whitespace().collect();
    let more = if words.len() > QUOTED { "…" } else { "" };
    let quoted = words[..words.len().min(QUOTED)].join(" ");
    format!(
        "You said: “{quoted}{more}”, which is {}. I am the model that is built in, and know no more than that. \
         Set OPENAI_BASE_URL to talk to one that does.",
        counted(words.len()),
    )
}

fn counted(words: usize) -> String {
    if words == 1 { "one word".to_owned() } else { format!("{words} words") }
}
