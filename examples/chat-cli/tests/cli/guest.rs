//! The program with its input and output as pipes.

use std::{process::Stdio, time::Duration};

use sockeye::time::timeout;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Longer than anything takes, however busy the machine is.
const FOREVER: Duration = Duration::from_secs(60);

pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(FOREVER, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The program, called so, without what the environment says.
pub(super) fn command(url: &str, id: &str, name: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
    command.args(["--url", url]).args(more).env("USER_ID", id).env("USERNAME", name).env("TZ", "UTC");
    command.env_remove("NO_COLOR").env("TERM", "xterm").kill_on_drop(true);
    command
}

pub(super) struct Guest {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// All lines so far.
    seen: Vec<String>,
}

/// How it has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) lines: Vec<String>,
    pub(super) errors: String,
}

impl Guest {
    pub(super) fn new(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("a process");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("its output")).lines();
        Self { process, input, output, seen: Vec::new() }
    }

    /// Comes into the lobby, and waits until it is there.
    pub(super) async fn come(url: &str, id: &str, name: &str) -> Self {
        let mut guest = Self::new(command(url, id, name, &[]));
        guest.expect("connected to lobby").await;
        guest
    }

    pub(super) async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open input");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("the program reads");
    }

    /// Waits for a line with this in it.
    pub(super) async fn expect(&mut self, part: &str) -> String {
        soon(part, async {
            loop {
                let line = self.output.next_line().await.expect("a line of text");
                let line = line.unwrap_or_else(|| panic!("the program ended before {part:?}: {:?}", self.seen));
                self.seen.push(line.clone());
                if line.contains(part) {
                    return line;
                }
            }
        })
        .await
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id().expect("a process that runs")
    }

    /// Ends the input, and waits for the program.
    pub(super) async fn end(mut self) -> Ended {
        drop(self.input.take());
        self.wait().await
    }

    pub(super) async fn wait(mut self) -> Ended {
        soon("the program's end", async {
            while let Some(line) = self.output.next_line().await.expect("a line of text") {
                self.seen.push(line);
            }
            let mut errors = String::new();
            let stderr = self.process.stderr.as_mut().expect("its errors");
            stderr.read_to_string(&mut errors).await.expect("text");
            let code = self.process.wait().await.expect("its end").code();
            Ended { code, lines: self.seen, errors }
        })
        .await
    }
}
