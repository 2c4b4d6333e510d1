//! Rust source as tokens, without comments, strings and tests.

use std::{collections::BTreeSet, fs, iter::Peekable, path::Path, str::CharIndices};

use super::root;

/// A file without its tests.
pub(super) struct Source {
    /// From the root of the workspace.
    pub(super) path: String,
    /// Words, `::`, and other signs one by one.
    pub(super) tokens: Vec<String>,
    /// Lines of code: neither blank nor comment.
    pub(super) lines: usize,
}

/// All files below a folder but those of tests.
pub(super) fn all(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root().join(folder), folder, &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no file in {folder}");
    paths.iter().map(|path| Source::new(path, &super::read(path))).collect()
}

fn collect(folder: &Path, name: &str, paths: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("a readable entry");
        let name = format!("{name}/{}", entry.file_name().to_str().expect("a name in UTF-8"));
        let is_test = name.ends_with("/tests") || name.ends_with("/tests.rs") || name.ends_with("/target");
        if is_test {
            continue;
        }
        if entry.path().is_dir() {
            collect(&entry.path(), &name, paths);
        } else if name.ends_with(".rs") {
            paths.push(name);
        }
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let tokens = without_tests(Lexer { text, letters: text.char_indices().peekable(), line: 1 }.tokens());
        let lines: BTreeSet<usize> = tokens.iter().flat_map(|token| token.first..=token.last).collect();
        let tokens = tokens.into_iter().map(|token| token.text).collect();
        Self { path: path.to_owned(), tokens, lines: lines.len() }
    }
}

struct Token {
    text: String,
    /// The lines it stands on.
    first: usize,
    last: usize,
}

struct Lexer<'t> {
    text: &'t str,
    letters: Peekable<CharIndices<'t>>,
    line: usize,
}

impl Lexer<'_> {
    fn tokens(mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        loop {
            let Some((at, letter)) = self.letters.peek().copied() else { return tokens };
            let first = self.line;
            let rest = &self.text[at..];
            let length = length(letter, rest);
            for _ in rest[..length].chars() {
                let newline = self.letters.next().is_some_and(|(_, letter)| letter == '\n');
                self.line += usize::from(newline);
            }
            if !letter.is_whitespace() && !rest.starts_with("//") && !rest.starts_with("/*") {
                tokens.push(Token { text: word(letter, &rest[..length]), first, last: self.line });
            }
        }
    }
}

/// What a token says: strings and characters say nothing.
fn word(letter: char, token: &str) -> String {
    if letter == '"' || token.ends_with('"') || token.ends_with("\"#") || (letter == '\'' && token.ends_with('\'')) {
        return "\"\"".to_owned();
    }
    token.trim_start_matches("r#").to_owned()
}

/// How long the token at the start of `rest` is; a comment is one token, and so is a blank.
fn length(letter: char, rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if let Some(length) = string(rest) {
        return length;
    }
    if letter == '\'' {
        return character(rest).unwrap_or(1);
    }
    if letter.is_alphanumeric() || letter == '_' {
        let start = if rest.starts_with("r#") { 2 } else { 0 };
        let end = rest[start..].find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        return end.map_or(rest.len(), |end| start + end);
    }
    if rest.starts_with("::") { 2 } else { letter.len_utf8() }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        let (step, change) = match tail {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a string, raw or not, of text or bytes.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let tail = rest.strip_prefix(prefix).unwrap_or("x");
        let hashes = if prefix.ends_with('r') { tail.trim_start_matches('#') } else { tail };
        hashes.starts_with('"')
    })?;
    let body = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let start = hashes + 1;
        return Some(prefix.len() + start + body[start..].find(&end)? + end.len());
    }
    let mut escaped = false;
    let end = body.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == '"' && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    end.map(|(at, _)| prefix.len() + at + 1)
}

/// The length of a character; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        // `'\''` and `'\u{7f}'`: the quote after the escaped letter.
        let (after, _) = letters.nth(1)?;
        return rest[after..].find('\'').map(|end| after + end + 1);
    }
    let (after, quote) = letters.next()?;
    (quote == '\'').then_some(after + 1)
}

/// Leaves out the items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        kept.push(token);
        let tail = kept.len().checked_sub(MARK.len());
        let Some(start) = tail.filter(|start| kept[*start..].iter().map(|token| &token.text).eq(MARK)) else {
            continue;
        };
        kept.truncate(start);
        // To the end of the item: its `;`, or the brace that closes its first.
        let mut depth = 0_usize;
        for token in tokens.by_ref() {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => continue,
            }
            if depth == 0 {
                break;
            }
        }
    }
    kept
}

#[test]
fn tokens_are_code_only() {
    let text = r##"
        // use crate::a;
        /* use /* crate::b */ ; */
        const S: (&str, &str, char, u8) = ("// \" use", r#"use "x" "#, '\'', b'"');
        fn f<'a>(x: &'a str) {} // unsafe
        #[cfg(test)]
        mod tests { fn g() { unsafe {} } }
        fn r#use() {}
    "##;
    let source = Source::new("x.rs", text);
    assert!(!source.tokens.iter().any(|token| token == "unsafe" || token == "crate" || token == "g"));
    assert_eq!(source.tokens.iter().filter(|token| *token == "fn").count(), 2, "{:?}", source.tokens);
    assert_eq!(source.lines, 3);
}
