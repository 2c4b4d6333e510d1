//! The grammar of paths: `/fixed/<param>/<rest..>`. The only place that knows it.

mod draw;
mod segment;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use draw::draw;

/// What a path is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The whole path of a handler.
    Route,
    /// The beginning of every path of a router.
    Prefix,
}

/// A path taken apart. Holds what could be read even where other parts are wrong, so that the
/// mistakes of the arguments can be reported together with those of the path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    pub(crate) text: String,
    pub(crate) segments: Vec<Segment>,
    /// Something in it is wrong, so no conclusion may be drawn from what is missing.
    pub(crate) broken: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Fixed(String),
    Param(Param),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    /// `<name..>`: takes all that is left.
    pub(crate) rest: bool,
    /// Where it stands in the text, brackets included, in bytes.
    pub(crate) range: Range<usize>,
}

/// One mistake: the culprit, what is wrong with it, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) range: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Mistake {
    fn new(range: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Mistake { range, message: message.into(), help: help.into() }
    }

    /// The mistake with the path drawn and the culprit underlined.
    pub(crate) fn describe(&self, path: &str) -> String {
        draw(&self.message, path, self.range.clone(), &self.help)
    }
}

impl Path {
    pub(crate) fn params(&self) -> impl Iterator<Item = &Param> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Param(param) => Some(param),
            Segment::Fixed(_) => None,
        })
    }

    pub(crate) fn param(&self, name: &str) -> Option<&Param> {
        self.params().find(|param| param.name == name)
    }

    /// The path without the names of its parameters: two routes of the same shape collide.
    pub(crate) fn shape(&self) -> String {
        let segments = self.segments.iter().map(|segment| match segment {
            Segment::Fixed(text) => format!("/{text}"),
            Segment::Param(param) if param.rest => "/<..>".to_owned(),
            Segment::Param(_) => "/<>".to_owned(),
        });
        segments.collect()
    }
}

/// Takes `text` apart and finds everything that is wrong with it.
pub(crate) fn parse(text: &str, role: Role) -> (Path, Vec<Mistake>) {
    let mut mistakes = Vec::new();
    let start = leading_slash(text, role, &mut mistakes);
    let end = query_or_fragment(text, &mut mistakes);
    let mut segments = Vec::new();
    if start <= end {
        for range in ranges(text, start, end) {
            match segment::parse(text, range) {
                Ok(segment) => segments.push(segment),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        trailing_slash(text, start, end, role, &mut mistakes);
    }
    duplicates(&segments, &mut mistakes);
    rests(text, &segments, role, &mut mistakes);
    mistakes.sort_by_key(|mistake| mistake.range.start);
    let path = Path { text: text.to_owned(), segments, broken: !mistakes.is_empty() };
    (path, mistakes)
}

/// Where the first segment begins.
fn leading_slash(text: &str, role: Role, mistakes: &mut Vec<Mistake>) -> usize {
    if text.starts_with('/') {
        return 1;
    }
    let help = match (role, text.is_empty()) {
        (Role::Route, true) => "for the root write \"/\"".to_owned(),
        (Role::Prefix, true) => "a router without a prefix needs no `prefix`".to_owned(),
        (_, false) => format!("write \"/{}\"", text.trim_start()),
    };
    let message = if text.is_empty() { "the path is empty" } else { "a path begins with a slash" };
    let first = text.chars().next().map_or(0, char::len_utf8);
    mistakes.push(Mistake::new(0..first, message, help));
    // The rest of an empty path would only be told again that it is empty.
    if text.is_empty() { 1 } else { 0 }
}

/// Where the path ends: before a `?` or `#` that stands outside of brackets.
fn query_or_fragment(text: &str, mistakes: &mut Vec<Mistake>) -> usize {
    let mut depth = 0usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '{' | '[' => depth += 1,
            '>' | '}' | ']' => depth = depth.saturating_sub(1),
            '?' if depth == 0 => {
                mistakes.push(Mistake::new(
                    at..text.len(),
                    "a path holds no query",
                    "end the path before the `?`: an argument that the path does not name reads the query",
                ));
                return at;
            }
            '#' if depth == 0 => {
                mistakes.push(Mistake::new(
                    at..text.len(),
                    "a path holds no fragment",
                    "end the path before the `#`: clients keep that part for themselves",
                ));
                return at;
            }
            _ => {}
        }
    }
    text.len()
}

/// The segments' ranges. A slash inside `<…>` does not end a segment: it is a bad name.
fn ranges(text: &str, start: usize, end: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut begin = start;
    let mut inside = false;
    for (at, letter) in text[start..end].char_indices() {
        let at = at + start;
        match letter {
            '<' => inside = segment::closes(&text[at + 1..end]),
            '>' => inside = false,
            '/' if !inside => {
                found.push(begin..at);
                begin = at + 1;
            }
            _ => {}
        }
    }
    found.push(begin..end);
    found
}

fn trailing_slash(text: &str, start: usize, end: usize, role: Role, mistakes: &mut Vec<Mistake>) {
    let root = start == end;
    if role == Role::Prefix && text[..end].ends_with('/') {
        let help = if root {
            "a router without a prefix needs no `prefix`".to_owned()
        } else {
            format!("write \"{}\"", text[..end].trim_end_matches('/'))
        };
        mistakes.push(Mistake::new(
            end - 1..end,
            "a prefix does not end with a slash: each path in the module begins with one",
            help,
        ));
    }
}

fn duplicates(segments: &[Segment], mistakes: &mut Vec<Mistake>) {
    let mut seen: Vec<&str> = Vec::new();
    for segment in segments {
        let Segment::Param(param) = segment else {
            continue;
        };
        if seen.contains(&param.name.as_str()) {
            mistakes.push(Mistake::new(
                param.range.clone(),
                format!("the path parameter `{}` stands here a second time", param.name),
                format!("give it a name of its own, such as `<{}_2>`", param.name),
            ));
        }
        seen.push(&param.name);
    }
}

fn rests(text: &str, segments: &[Segment], role: Role, mistakes: &mut Vec<Mistake>) {
    for (index, segment) in segments.iter().enumerate() {
        let Segment::Param(param) = segment else {
            continue;
        };
        if !param.rest {
            continue;
        }
        let name = &param.name;
        if role == Role::Prefix {
            mistakes.push(Mistake::new(
                param.range.clone(),
                format!("`<{name}..>` leaves nothing for the paths behind the prefix"),
                format!("write `<{name}>`, which takes one segment"),
            ));
        } else if index + 1 < segments.len() || !text.ends_with('>') {
            mistakes.push(Mistake::new(
                param.range.clone(),
                format!("`<{name}..>` takes all that is left, so nothing may follow it"),
                format!("move it to the end, or write `<{name}>`, which takes one segment"),
            ));
        }
    }
}
