//! How the program is called.

use clap::Parser;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a path as it is (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The chat in a terminal.
#[derive(Debug, Parser)]
#[command(name = "chat-cli", version)]
pub(crate) struct Args {
    /// The room to go to.
    #[arg(long, default_value = "lobby", value_parser = room)]
    pub(crate) room: String,

    /// Where the chat is; `https` and `wss` ask for TLS.
    #[arg(long, default_value = "http://127.0.0.1:8000", value_parser = server)]
    url: String,

    /// Who you are: a whole number.
    #[arg(long, env = "USER_ID", allow_negative_numbers = true)]
    pub(crate) user_id: i64,

    /// How you want to be called; by default `user-` and the id.
    #[arg(long, env = "USERNAME")]
    pub(crate) username: Option<String>,

    /// Ends when the server can't be reached, and when the connection is lost, instead of trying again.
    #[arg(long)]
    pub(crate) once: bool,
}

impl Args {
    /// The room's socket.
    pub(crate) fn socket(&self) -> String {
        // A lone `.` or `..` would lead elsewhere.
        let room = match &*self.room {
            "." => "%2E".to_owned(),
            ".." => "%2E%2E".to_owned(),
            room => utf8_percent_encode(room, SEGMENT).to_string(),
        };
        format!("{}/ws/{room}", self.url)
    }

    /// Where the server tells its numbers.
    pub(crate) fn stats(&self) -> String {
        let url = match self.url.split_once("://") {
            Some(("ws" | "http", rest)) => format!("http://{rest}"),
            Some((_, rest)) => format!("https://{rest}"),
            None => self.url.clone(),
        };
        format!("{url}/ws/stats")
    }
}

fn room(text: &str) -> Result<String, String> {
    match text.len() {
        1..=1024 => Ok(text.to_owned()),
        len => Err(format!("expected a name of 1 to 1024 bytes, got {len}")),
    }
}

fn server(text: &str) -> Result<String, String> {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(&*scheme, "http" | "https" | "ws" | "wss") || rest.is_empty() || rest.contains(['?', '#', '@']) {
        return Err("expected a URL like `https://chat.example.com`, without a query".to_owned());
    }
    Ok(format!("{scheme}://{}", rest.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(more: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["chat-cli", "--user-id", "1"].iter().chain(more))
    }

    #[test]
    fn rooms_and_servers_make_addresses() {
        let default = args(&[]).unwrap();
        assert_eq!(default.socket(), "http://127.0.0.1:8000/ws/lobby");
        assert_eq!(default.stats(), "http://127.0.0.1:8000/ws/stats");
        let other = args(&["--url", "WSS://a.example/chat/", "--room", "a/b ?é"]).unwrap();
        assert_eq!(other.socket(), "wss://a.example/chat/ws/a%2Fb%20%3F%C3%A9");
        assert_eq!(other.stats(), "https://a.example/chat/ws/stats");
        assert!(args(&["--room", ".."]).unwrap().socket().ends_with("/ws/%2E%2E"));
        let negative = Args::try_parse_from(["chat-cli", "--user-id", "-7"]).unwrap();
        assert_eq!(negative.user_id, -7);
    }

    #[test]
    fn bad_calls_are_refused() {
        let long = "x".repeat(1025);
        for bad in [
            &["--url", "127.0.0.1:8000"][..],
            &["--url", "ftp://a"],
            &["--url", "http://"],
            &["--url", "http://a?b"],
            &["--url", "http://ann:secret@a"],
            &["--room", ""],
            &["--room", &long],
            &["--colour"],
            &["tea"],
        ] {
            let error = args(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{bad:?}");
        }
    }
}
