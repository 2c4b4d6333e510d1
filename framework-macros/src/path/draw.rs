//! Draws a path with a caret line under the culprit: stable Rust cannot mark a part of a literal.

use std::ops::Range;

/// The message, the path with `range` underlined, and what to write instead.
pub(crate) fn draw(message: &str, path: &str, range: Range<usize>, help: &str) -> String {
    let before = path[..range.start].chars().count();
    let under = path[range].chars().count().max(1);
    // A line break or tab inside the path would tear the drawing apart.
    let shown: String = path.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect();
    let indent = " ".repeat(before);
    let carets = "^".repeat(under);
    format!("{message}\n\n  {shown}\n  {indent}{carets}\n\nhelp: {help}")
}
