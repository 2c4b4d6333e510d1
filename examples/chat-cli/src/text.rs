//! What others wrote, made fit for a terminal.

/// Text in which nothing moves the cursor, changes a colour, rings, hides or turns around what stands beside it: control
/// characters are shown as what they are. A tab is a blank.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// The same of a text that may have several lines: each further one begins with the indent.
pub(crate) fn visible_lines(text: &str, indent: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    lines.join(&format!("\n{indent}"))
}

fn shown(letter: char) -> char {
    match letter {
        '\t' => ' ',
        // The pictures of control characters.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // Further control characters, those that end lines, and those that change the direction or hide.
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        letter => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_as_it_is() {
        assert_eq!(visible("\u{1b}[2J\u{7}\r\n\u{7f}\0"), "␛[2J␇␍␊␡␀");
        assert_eq!(
            visible("\u{9b}31m a\u{202e}b\u{2066}\u{feff}\u{e0041}"),
            "\u{fffd}31m a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(visible("a\tb é 日本 👩\u{200d}👩"), "a b é 日本 👩\u{200d}👩");
        for letter in (0..=0x10ffff).filter_map(char::from_u32) {
            assert!(!shown(letter).is_control(), "{letter:?}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(visible_lines("a\r\nb\n\rc", "  "), "a\n  b\n  ␍c");
    }
}
