//! "Did you mean": the nearest of the words that would have been right.

/// The word of `words` that `typed` was probably meant to be, if one is near enough.
pub(crate) fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    words
        .into_iter()
        .map(|word| (distance(typed, word), word))
        .filter(|(distance, word)| *distance <= allowance(typed, word))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Words joined for a sentence: `` `a`, `b` and `c` ``.
pub(crate) fn list<'w>(words: impl IntoIterator<Item = &'w str>, last: &str) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// One slip in three letters, and never more than three: past that a guess misleads.
fn allowance(typed: &str, word: &str) -> usize {
    let longest = typed.chars().count().max(word.chars().count());
    (longest / 3).clamp(1, 3)
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
/// Case and `-`/`_` do not count: they are the commonest slips of all.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        let plain = text.replace('-', "_");
        plain.to_lowercase().chars().collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, list, nearest};

    #[test]
    fn distance_counts_slips() {
        assert_eq!(distance("invalid", "invalid"), 0);
        assert_eq!(distance("invlid", "invalid"), 1);
        assert_eq!(distance("invaild", "invalid"), 1);
        assert_eq!(distance("maxMessage", "max_message"), 1);
        assert_eq!(distance("max-message", "MAX_MESSAGE"), 0);
        assert_eq!(distance("", "tag"), 3);
    }

    #[test]
    fn far_words_are_not_suggested() {
        let words = ["invalid", "protocols", "tag"];
        assert_eq!(nearest("protocol", words), Some("protocols"));
        assert_eq!(nearest("tga", words), Some("tag"));
        assert_eq!(nearest("timeout", words), None);
        assert_eq!(nearest("id", ["room"]), None);
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(["a"], "and"), "`a`");
        assert_eq!(list(["a", "b", "c"], "or"), "`a`, `b` or `c`");
    }
}
