//! On a terminal.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    pty::{OpenptyResult, Winsize, openpty},
    sys::termios::{LocalFlags, tcgetattr},
};
use sockeye::{Result, time::sleep};

use super::{guest::Guest, site::Site};

/// The program with a terminal of its own.
struct Terminal {
    process: Child,
    keys: File,
    screen: mpsc::Receiver<Vec<u8>>,
    /// All that was written to it.
    seen: String,
    /// Where it was last looked at.
    at: usize,
    /// The program's end of it.
    slave: std::os::fd::OwnedFd,
}

impl Terminal {
    fn open(site: &Site, more: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(&size, None).expect("a terminal");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-cli"));
        command.args(["--url", &site.url()]).env("USER_ID", "1").env("USERNAME", "Ann").env("TERM", "xterm");
        command.env_remove("NO_COLOR").envs(more.iter().copied());
        let process = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("a process");
        let keys = File::from(master);
        let mut output = keys.try_clone().expect("a descriptor");
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { process, keys, screen, seen: String::new(), at: 0, slave }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until this is written, behind what was waited for before, and gives what came before it.
    async fn expect(&mut self, part: &str) -> String {
        let before = Instant::now();
        loop {
            while let Ok(bytes) = self.screen.try_recv() {
                self.seen += &String::from_utf8_lossy(&bytes);
            }
            if let Some(found) = self.seen[self.at..].find(part) {
                let between = self.seen[self.at..self.at + found].to_owned();
                self.at += found + part.len();
                return between;
            }
            assert!(before.elapsed() < Duration::from_secs(60), "waited in vain for {part:?}: {:?}", self.seen);
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn is_raw(&self) -> bool {
        let flags = tcgetattr(&self.slave).expect("a terminal").local_flags;
        !flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    async fn ended(&mut self) -> Option<i32> {
        let before = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a process") {
                return status.code();
            }
            assert!(before.elapsed() < Duration::from_secs(60), "it does not end: {:?}", self.seen);
            sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[sockeye::test(flavor = "multi_thread")]
async fn what_is_typed_is_not_torn_by_what_comes() -> Result<()> {
    let site = Site::start().await;
    let mut bob = Guest::come(&site.url(), "2", "Bob").await;
    let mut ann = Terminal::open(&site, &[]);
    ann.expect("connected to lobby").await;
    ann.expect("lobby> ").await;
    assert!(ann.is_raw());
    ann.press("half of");
    ann.expect("half of").await;
    bob.expect("→ Ann has come").await;
    bob.say("in between").await;
    ann.expect("Bob").await;
    ann.expect(": in between").await;
    // The line is there again, as far as it was.
    ann.expect("lobby> half of").await;
    ann.press(" it\r");
    ann.expect("✓").await;
    ann.expect("half of it").await;
    bob.expect(" Ann: half of it").await;
    // The line before, changed.
    ann.expect("lobby> ").await;
    ann.press("\u{1b}[A!\r");
    bob.expect(" Ann: half of it!").await;
    assert!(ann.seen.contains("\u{1b}[36m") || ann.seen.contains("\u{1b}[1m"), "no colours: {:?}", ann.seen);
    ann.expect("✓").await;
    ann.press("\u{4}");
    assert_eq!(ann.ended().await, Some(0));
    assert!(!ann.is_raw());
    bob.expect("← Ann has gone").await;
    Ok(())
}

/// However it ends, the terminal is as it was.
#[sockeye::test(flavor = "multi_thread")]
async fn the_terminal_is_given_back() -> Result<()> {
    let mut site = Site::start().await;
    let mut ann = Terminal::open(&site, &[("NO_COLOR", "1")]);
    ann.expect("connected to lobby").await;
    ann.expect("lobby> ").await;
    // In the middle of a line.
    ann.press("half");
    ann.expect("half").await;
    site.stop().await;
    ann.expect("! offline: ").await;
    ann.expect("lobby> half").await;
    assert!(ann.is_raw());
    let status = Command::new("kill").arg(ann.process.id().to_string()).status()?;
    assert!(status.success());
    assert_eq!(ann.ended().await, Some(0));
    assert!(!ann.is_raw());
    for colour in ["\u{1b}[31m", "\u{1b}[2m", "\u{1b}[32m"] {
        assert!(!ann.seen.contains(colour), "{:?}", ann.seen);
    }

    site.start_again().await;
    let mut ann = Terminal::open(&site, &[]);
    ann.expect("connected to lobby").await;
    ann.expect("lobby> ").await;
    ann.press("\u{3}");
    assert_eq!(ann.ended().await, Some(0));
    assert!(!ann.is_raw());
    Ok(())
}
