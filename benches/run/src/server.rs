//! The servers, and how one is started and ended.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use common::ANNOUNCEMENT;
use common::process::{on_core, terminate};
use common::protocol::Protocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) binary: &'static str,
    pub(crate) title: &'static str,
}

const fn server(binary: &'static str, title: &'static str) -> Server {
    Server { binary, title }
}

pub(crate) const RAW: Server = server("raw_tcp", "raw tokio TCP");
pub(crate) const OURS: Server = server("sockeye_echo", "sockeye");
pub(crate) const AXUM: Server = server("axum_echo", "axum");
pub(crate) const AXUM_TUNED: Server = server("axum_tuned", "axum, tuned");
pub(crate) const ACTIX: Server = server("actix_echo", "actix-ws");
pub(crate) const ROCKET: Server = server("rocket_echo", "rocket_ws");
pub(crate) const FAST: Server = server("fastwebsockets_echo", "fastwebsockets");
pub(crate) const TOKIO: Server = server("tokio_websockets_echo", "tokio-websockets");
pub(crate) const YAWC: Server = server("yawc_echo", "yawc");
pub(crate) const SOCKUDO: Server = server("sockudo_echo", "sockudo-ws");

pub(crate) const RULER: Server = server("raw_fanout", "raw sends");
pub(crate) const OUR_ROOM: Server = server("sockeye_fanout", "sockeye");
pub(crate) const AXUM_ROOM: Server = server("axum_fanout", "axum");
pub(crate) const HUB: Server = server("tungstenite_fanout", "tokio-tungstenite");

pub(crate) const ALL: [Server; 14] =
    [RAW, RULER, OURS, AXUM, AXUM_TUNED, ACTIX, ROCKET, FAST, TOKIO, YAWC, SOCKUDO, OUR_ROOM, AXUM_ROOM, HUB];
/// One to many: servers of their own.
pub(crate) const FANNING: [Server; 4] = [RULER, OUR_ROOM, AXUM_ROOM, HUB];
/// Those that are there for their compression stay out of the rest, unless they are named.
pub(crate) const USUAL: [Server; 8] = [RAW, OURS, AXUM, AXUM_TUNED, ACTIX, ROCKET, FAST, TOKIO];
pub(crate) const COMPRESSING: [Server; 3] = [OURS, YAWC, SOCKUDO];
/// Under callgrind all is slow: only these.
pub(crate) const COUNTED: [Server; 5] = [RAW, OURS, AXUM, AXUM_TUNED, FAST];

/// Callgrind counts a `rep movsb` as an instruction a byte. So glibc is told to copy and fill by vectors.
pub(crate) const TUNABLES: &str =
    "glibc.cpu.x86_rep_movsb_threshold=0x7ffffff:glibc.cpu.x86_rep_stosb_threshold=0x7ffffff";

pub(crate) fn titles() -> Vec<&'static str> {
    ALL.map(|server| server.title).to_vec()
}

impl Server {
    pub(crate) fn protocol(self) -> Protocol {
        if [RAW, RULER].contains(&self) { Protocol::Raw } else { Protocol::WebSocket }
    }

    /// Starts it on `core` and waits until it listens.
    pub(crate) fn start(self, core: usize) -> Result<Running> {
        self.spawn(Command::new(beside_us(self.binary)?), core)
    }

    /// The same under callgrind.
    pub(crate) fn start_counted(self, core: usize) -> Result<Running> {
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(beside_us(self.binary)?);
        command.env("GLIBC_TUNABLES", TUNABLES).stderr(Stdio::piped());
        self.spawn(command, core)
    }

    fn spawn(self, mut command: Command, core: usize) -> Result<Running> {
        command.env("SOCKEYE_ADDR", "127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped());
        let child =
            on_core(core, || command.spawn())?.with_context(|| format!("can't start {}: is it built?", self.binary))?;
        let mut running = Running { child, addr: String::new() };
        running.addr = running.announced().with_context(|| self.binary)?;
        Ok(running)
    }
}

/// A server that is killed when it goes out of scope.
pub(crate) struct Running {
    child: Child,
    pub(crate) addr: String,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it, and gives what callgrind counted.
    pub(crate) fn instructions(mut self) -> Result<f64> {
        terminate(self.pid())?;
        let mut text = String::new();
        self.child.stderr.take().context("stderr is not piped")?.read_to_string(&mut text)?;
        let count = text.lines().find_map(|line| line.split_once("Collected : "));
        let (_, count) = count.with_context(|| format!("callgrind counted nothing: {text}"))?;
        Ok(count.trim().parse()?)
    }

    fn announced(&mut self) -> Result<String> {
        let stdout = self.child.stdout.as_mut().context("stdout is not piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addr = line.trim().strip_prefix(ANNOUNCEMENT);
        Ok(addr.with_context(|| format!("the first line is {line:?}"))?.to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is lost if it has ended by itself.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The binaries lie side by side.
pub(crate) fn beside_us(binary: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(binary))
}
