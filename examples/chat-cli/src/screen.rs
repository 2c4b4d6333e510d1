//! What is shown, and in which colours.

use std::{env, fmt, io, io::Write};

use anstyle::{AnsiColor, Style};
use nix::sys::termios::{self, SetArg, Termios};
use rustyline::ExternalPrinter;

/// Where lines go.
pub(crate) enum Target {
    /// Above the line that is being edited. And how the terminal was before anybody edited.
    Editor(Box<dyn ExternalPrinter + Send>, Termios),
    /// To the standard output.
    Lines,
}

pub(crate) struct Screen {
    target: Target,
    has_colours: bool,
}

/// How something looks where there are colours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// What is by the way.
    Faint,
    Good,
    Bad,
    /// A user's name: each has a colour of its own.
    User(i64),
}

impl Screen {
    pub(crate) fn new(target: Target) -> Self {
        let is_empty = |name| env::var_os(name).is_none_or(|value| value.is_empty());
        let has_colours = matches!(target, Target::Editor(..)) && is_empty("NO_COLOR");
        Self { target, has_colours }
    }

    /// Shows a line, or several.
    ///
    /// # Errors
    ///
    /// When nobody reads them any more.
    pub(crate) fn show(&mut self, line: impl fmt::Display) -> io::Result<()> {
        match &mut self.target {
            Target::Editor(printer, _) => printer.print(format!("{line}\n")).map_err(io::Error::other),
            Target::Lines => {
                let mut out = io::stdout().lock();
                writeln!(out, "{line}")?;
                out.flush()
            }
        }
    }

    pub(crate) fn paint(&self, look: Look, text: impl fmt::Display) -> String {
        const USERS: [AnsiColor; 6] = [
            AnsiColor::Cyan,
            AnsiColor::Yellow,
            AnsiColor::Magenta,
            AnsiColor::Blue,
            AnsiColor::BrightGreen,
            AnsiColor::BrightRed,
        ];
        if !self.has_colours {
            return text.to_string();
        }
        let style = match look {
            Look::Faint => Style::new().dimmed(),
            Look::Good => AnsiColor::Green.on_default(),
            Look::Bad => AnsiColor::Red.on_default(),
            Look::User(id) => USERS[id.rem_euclid(USERS.len() as i64) as usize].on_default().bold(),
        };
        format!("{style}{text}{style:#}")
    }

    /// Gives the terminal back as it was: the editor may still be at work on it.
    pub(crate) fn restore(self) {
        if let Target::Editor(_, before) = self.target {
            // The line that was being edited goes, and so does the bracketing of what is pasted. A terminal that is gone
            // needs neither.
            let mut out = io::stdout();
            let _shown_or_gone = out.write_all(b"\r\x1b[K\x1b[?2004l").and_then(|()| out.flush());
            let _restored_or_gone = termios::tcsetattr(io::stdin(), SetArg::TCSADRAIN, &before);
        }
    }
}

/// How the terminal is now.
pub(crate) fn terminal() -> nix::Result<Termios> {
    termios::tcgetattr(io::stdin())
}
