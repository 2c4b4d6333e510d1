//! The servers, and how one is started and ended.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use echo::listen::ANNOUNCEMENT;
use echo::process::on_core;
use echo::protocol::Protocol;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Server {
    pub(crate) binary: &'static str,
    pub(crate) title: &'static str,
}

pub(crate) const RAW: Server = Server { binary: "raw_tcp", title: "raw tokio TCP" };
pub(crate) const OURS: Server = Server { binary: "sockeye_echo", title: "sockeye" };
pub(crate) const AXUM: Server = Server { binary: "axum_echo", title: "axum" };
pub(crate) const AXUM_TUNED: Server = Server { binary: "axum_tuned", title: "axum, tuned" };
pub(crate) const ALL: [Server; 4] = [RAW, OURS, AXUM, AXUM_TUNED];

impl Server {
    pub(crate) fn protocol(self) -> Protocol {
        if self == RAW { Protocol::Raw } else { Protocol::WebSocket }
    }

    /// Starts it on `core` and waits until it listens.
    pub(crate) fn start(self, core: usize) -> Result<Running> {
        let mut command = Command::new(beside_us(self.binary)?);
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

/// The binaries of this package lie side by side.
pub(crate) fn beside_us(binary: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(binary))
}
