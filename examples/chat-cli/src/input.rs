//! Lines of input: from an editor on a terminal, or as they come.

use std::{
    env,
    io::{self, BufRead, IsTerminal},
    thread,
};

use rustyline::{Config, DefaultEditor, error::ReadlineError};
use sockeye::Result;
use tokio::sync::mpsc;

use crate::{
    args::Args,
    screen::{Target, terminal},
    text::visible,
};

/// Bytes that a line may have; the longest message has as many.
const LONGEST: usize = 4 * 16_384;

/// A line, or why there is none.
pub(crate) type Line = Result<String, String>;

pub(crate) struct Input {
    /// Ends when the input does.
    pub(crate) lines: mpsc::Receiver<Line>,
    /// Somebody types.
    pub(crate) is_interactive: bool,
}

/// Begins to read, in a thread of its own: to read from a terminal can't be cancelled.
pub(crate) fn open(args: &Args) -> Result<(Input, Target)> {
    let is_dumb = env::var("TERM").is_ok_and(|term| term == "dumb");
    let is_interactive = io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb;
    let (sender, lines) = mpsc::channel(1);
    let target = if is_interactive {
        let before = terminal()?;
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = DefaultEditor::with_config(config)?;
        let printer = editor.create_external_printer()?;
        let prompt = format!("{}> ", visible(&args.room));
        spawn(move || edit(&mut editor, &prompt, &sender))?;
        Target::Editor(Box::new(printer), before)
    } else {
        spawn(move || read(io::stdin().lock(), &sender))?;
        Target::Lines
    };
    Ok((Input { lines, is_interactive }, target))
}

fn spawn(read: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new().name("input".to_owned()).spawn(read)?;
    Ok(())
}

fn edit(editor: &mut DefaultEditor, prompt: &str, lines: &mpsc::Sender<Line>) {
    loop {
        let line = match editor.readline(prompt) {
            Ok(line) => Ok(line),
            // Ctrl-C and Ctrl-D.
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return,
            // The window has another size.
            Err(ReadlineError::Signal(_)) => continue,
            Err(error) => Err(error.to_string()),
        };
        let is_over = line.is_err();
        if lines.blocking_send(line).is_err() || is_over {
            return;
        }
    }
}

fn read(mut input: impl BufRead, lines: &mpsc::Sender<Line>) {
    loop {
        let (line, is_over) = match read_line(&mut input) {
            Ok(Some(line)) => (line, false),
            Ok(None) => return,
            Err(error) => (Err(format!("the input can't be read: {error}")), true),
        };
        if lines.blocking_send(line).is_err() || is_over {
            return;
        }
    }
}

/// The next line, of which no more is held than may be said.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let (mut line, mut length) = (Vec::new(), 0);
    loop {
        let some = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            filled => filled?,
        };
        let end = some.iter().position(|byte| *byte == b'\n');
        let part = &some[..end.unwrap_or(some.len())];
        length += part.len();
        line.extend_from_slice(&part[..part.len().min(LONGEST.saturating_sub(line.len()))]);
        let (used, is_last) = (part.len() + usize::from(end.is_some()), end.is_some() || some.is_empty());
        let is_end = some.is_empty();
        input.consume(used);
        if is_end && length == 0 {
            return Ok(None);
        }
        if is_last {
            break;
        }
    }
    if length > LONGEST {
        return Ok(Some(Err(format!("expected a line of at most {LONGEST} bytes, got one of {length}"))));
    }
    Ok(Some(Ok(String::from_utf8_lossy(&line).into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], buffer: usize) -> Vec<Line> {
        let mut input = io::BufReader::with_capacity(buffer, input);
        std::iter::from_fn(|| read_line(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_end_at_a_newline_or_the_end() {
        for buffer in [1, 2, 3, 64] {
            let expected: Vec<Line> = ["a", "", "b\u{fffd}", "c"].map(|line| Ok(line.to_owned())).into();
            assert_eq!(lines(b"a\n\nb\xff\nc", buffer), expected);
        }
        assert!(lines(b"", 8).is_empty());
    }

    #[test]
    fn no_more_is_held_than_may_be_said() {
        let text = [vec![b'x'; LONGEST], vec![b'\n'], vec![b'y'; LONGEST + 1], b"\nz".to_vec()].concat();
        let found = lines(&text, 1000);
        assert_eq!((found[0].as_ref().unwrap().len(), found[2].as_deref()), (LONGEST, Ok("z")));
        let error = found[1].as_ref().unwrap_err();
        assert_eq!(*error, format!("expected a line of at most {LONGEST} bytes, got one of {}", LONGEST + 1));
    }
}
