//! What a line of the input asks for.

/// What `/help` says.
pub(crate) const HELP: &str = "\
/ping    how long the server takes to answer
/typing  tells the others that you are typing
/stats   who is where
/quit    leaves; so does Ctrl-D
/help    this
A line that begins with // is said with one slash.";

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Say(String),
    Ping,
    Typing,
    Stats,
    Help,
    Quit,
    Unknown(String),
    Nothing,
}

impl Command {
    pub(crate) fn parse(line: &str) -> Self {
        let text = line.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        let Some(command) = text.strip_prefix('/') else { return Self::Say(text.to_owned()) };
        match command {
            "ping" => Self::Ping,
            "typing" => Self::Typing,
            "stats" => Self::Stats,
            "help" | "?" => Self::Help,
            "quit" | "exit" => Self::Quit,
            said if said.starts_with('/') => Self::Say(said.to_owned()),
            _ => Self::Unknown(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_a_command_and_two_do_not() {
        for (line, command) in [
            (" hello \n", Command::Say("hello".to_owned())),
            ("//ping", Command::Say("/ping".to_owned())),
            ("/ping", Command::Ping),
            (" /quit ", Command::Quit),
            ("/ping me", Command::Unknown("/ping me".to_owned())),
            ("/", Command::Unknown("/".to_owned())),
            ("  ", Command::Nothing),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
