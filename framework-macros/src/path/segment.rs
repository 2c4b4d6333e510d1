//! One segment: fixed text or `<param>`, and the many things people write instead.

use std::ops::Range;

use super::{Mistake, Param, Segment};

/// Reads the segment at `range` of `text`.
pub(super) fn parse(text: &str, range: Range<usize>) -> Result<Segment, Mistake> {
    let segment = &text[range.clone()];
    if segment.is_empty() {
        return empty(text, range);
    }
    if let Some(inner) = whole(segment) {
        return param(inner, range);
    }
    if segment.contains(['<', '>']) {
        return Err(brackets(segment, range));
    }
    if let Some(name) = foreign(segment) {
        return Err(Mistake::new(
            range,
            "this is how other frameworks write a path parameter",
            format!("write `{name}`"),
        ));
    }
    fixed(segment, range)
}

/// Whether the bracket before `text` is closed before another one opens.
pub(super) fn closes(text: &str) -> bool {
    match text.find(['<', '>']) {
        Some(at) => text[at..].starts_with('>'),
        None => false,
    }
}

/// What stands between the brackets of a segment that is one parameter.
fn whole(segment: &str) -> Option<&str> {
    let inner = segment.strip_prefix('<')?.strip_suffix('>')?;
    (!inner.contains(['<', '>'])).then_some(inner)
}

/// `//` is a slip; a slash at the very end is not.
fn empty(text: &str, range: Range<usize>) -> Result<Segment, Mistake> {
    if range.end == text.len() {
        return Ok(Segment::Fixed(String::new()));
    }
    if text[range.end..].starts_with('/') {
        return Err(Mistake::new(
            range.start.saturating_sub(1)..range.end + 1,
            "there is nothing between these slashes",
            "write one slash",
        ));
    }
    // Before a `?` or `#`, which is a mistake of its own.
    Ok(Segment::Fixed(String::new()))
}

fn param(inner: &str, range: Range<usize>) -> Result<Segment, Mistake> {
    let (name, rest) = match inner.strip_suffix("..") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    if is_name(name) {
        return Ok(Segment::Param(Param { name: name.to_owned(), rest, range }));
    }
    if name.trim().is_empty() {
        let dots = if rest { ".." } else { "" };
        return Err(Mistake::new(
            range,
            "this path parameter has no name",
            format!("write `<name{dots}>`, with the name of the argument that takes it"),
        ));
    }
    let within = range.start + 1..range.end - 1;
    if inner.contains(':') {
        return Err(Mistake::new(
            within,
            "a path parameter has no type here",
            format!("write `<{}>`: the argument of that name says the type", likely(inner)),
        ));
    }
    let message = format!("`{inner}` is not a name that an argument can have");
    Err(Mistake::new(within, message, suggestion(inner)))
}

/// What to write for a name that is none.
fn suggestion(inner: &str) -> String {
    let name = likely(inner);
    let trailing = inner.trim_end().trim_end_matches(['.', '*']).len();
    let leading = inner.trim_start().trim_start_matches(['.', '*']).len();
    if inner.ends_with('?') {
        format!("write `<{name}>`: a segment is always there; serve the shorter path with a second handler")
    } else if trailing < inner.trim_end().len() || leading < inner.trim_start().len() {
        format!("write `<{name}..>`")
    } else {
        format!("write `<{name}>`")
    }
}

/// The identifier that was probably meant.
fn likely(inner: &str) -> String {
    // `<id: u32>` and `<id:[0-9]+>` put the name first, `<int:id>` the type.
    let types = ["int", "str", "string", "uuid", "path", "float", "slug", "u32", "u64"];
    let name = match inner.split_once(':') {
        Some((kind, name)) if types.contains(&kind.trim()) && is_name(name.trim()) => name,
        Some((name, _)) => name,
        None => inner,
    };
    let name = name.trim();
    let name: String = name
        .strip_prefix("r#")
        .unwrap_or(name)
        .trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { '_' })
        .collect();
    match name.chars().next() {
        None => "name".to_owned(),
        Some('_') if name.chars().all(|letter| letter == '_') => "name".to_owned(),
        Some(first) if first.is_numeric() => format!("n{name}"),
        Some(_) if is_name(&name) => name,
        Some(_) => format!("{name}_"),
    }
}

/// A name that a Rust argument can have; keywords count, as `r#type` takes `<type>`.
fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    let begins = letters.next().is_some_and(|letter| letter.is_alphabetic() || letter == '_');
    let continues = letters.all(|letter| letter.is_alphanumeric() || letter == '_');
    // These cannot even be written with `r#`.
    let reserved = ["_", "self", "Self", "super", "crate"].contains(&name);
    begins && continues && !reserved
}

/// `<` or `>` that do not enclose the whole segment.
fn brackets(segment: &str, range: Range<usize>) -> Mistake {
    let open = segment.find('<');
    let close = segment.find('>');
    match (open, close) {
        (Some(open), None) => Mistake::new(
            range.start + open..range.end,
            "this `<` is never closed",
            format!("write `<{}>`", likely(&segment[open + 1..])),
        ),
        (open, Some(close)) if open.is_none_or(|open| close < open) => Mistake::new(
            range.start + close..range.start + close + 1,
            "this `>` closes nothing",
            format!("write `<{}>`", likely(&segment[..close])),
        ),
        _ if segment.matches('<').count() > segment.matches('>').count() => {
            let last = segment.rfind('<').unwrap_or_default();
            Mistake::new(
                range.start + last..range.end,
                "this `<` is never closed",
                format!("write `<{}>`", likely(&segment[last + 1..])),
            )
        }
        _ => Mistake::new(
            range,
            "a path parameter takes a whole segment",
            "put a slash between them, or take the segment as one parameter and split it in the handler",
        ),
    }
}

/// `{id}`, `:id`, `*rest`, `[id]`: what it is called here.
fn foreign(segment: &str) -> Option<String> {
    let rest = |name: &str| format!("<{}..>", likely(name));
    if let Some(name) = segment.strip_prefix('*') {
        let name = if name.is_empty() { "rest" } else { name };
        return Some(rest(name));
    }
    if let Some(name) = segment.strip_prefix(':') {
        return match name.strip_suffix('*') {
            Some(name) => Some(rest(name)),
            None => Some(format!("<{}>", likely(name))),
        };
    }
    for (open, close) in [('{', '}'), ('[', ']')] {
        let inner = segment.strip_prefix(open).and_then(|inner| inner.strip_suffix(close));
        if let Some(inner) = inner {
            let all = inner.starts_with(['*', '.']) || inner.ends_with(['*', '.']);
            return Some(if all || inner.ends_with(":path") { rest(inner) } else { format!("<{}>", likely(inner)) });
        }
    }
    let name = segment.split(['{', '}']).nth(1)?;
    Some(format!("<{}>", likely(name)))
}

/// Fixed text, as it is after percent-decoding.
fn fixed(segment: &str, range: Range<usize>) -> Result<Segment, Mistake> {
    let place = |at: usize, length: usize| range.start + at..range.start + at + length;
    if let Some((at, blank)) = segment.char_indices().find(|(_, letter)| letter.is_whitespace() || letter.is_control())
    {
        return Err(Mistake::new(
            place(at, blank.len_utf8()),
            "a path holds no white space",
            "take it out; a segment that does hold some is taken as a parameter, `<name>`",
        ));
    }
    if let Some((at, text)) = escape(segment) {
        return Err(Mistake::new(place(at, text.len()), "paths are written decoded", decoded(text)));
    }
    if segment == "." || segment == ".." {
        return Err(Mistake::new(
            range.clone(),
            format!("clients resolve `{segment}` before they ask, so this is never matched"),
            "write the path that it leads to",
        ));
    }
    Ok(Segment::Fixed(segment.to_owned()))
}

/// The first run of `%41%42` in a segment. A lone `%` stands for itself.
fn escape(segment: &str) -> Option<(usize, &str)> {
    let is_escape = |at: usize| {
        let digits = segment.as_bytes().get(at + 1..at + 3);
        segment.as_bytes()[at] == b'%' && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let at = (0..segment.len()).find(|at| is_escape(*at))?;
    let mut end = at;
    while end < segment.len() && is_escape(end) {
        end += 3;
    }
    Some((at, &segment[at..end]))
}

fn decoded(escapes: &str) -> String {
    let special = |letter: char| letter.is_whitespace() || letter.is_control() || "/?#<>{}%".contains(letter);
    let bytes: Option<Vec<u8>> = escapes.split('%').skip(1).map(|digits| u8::from_str_radix(digits, 16).ok()).collect();
    match bytes.map(String::from_utf8) {
        Some(Ok(text)) if !text.contains(special) => {
            format!("write `{text}`: requests are decoded before they are compared")
        }
        _ => "take the segment as a parameter, `<name>`: it arrives decoded".to_owned(),
    }
}
