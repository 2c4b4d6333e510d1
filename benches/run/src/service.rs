//! Real servers, which `scripts/services` starts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use common::process::on_core;

/// A server of `scripts/services`, which ends with the other end of its stdin.
pub(crate) struct Service {
    script: Child,
    pub(crate) url: String,
}

impl Service {
    pub(crate) fn start(name: &str, core: usize) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/services");
        let mut command = Command::new(script);
        command.arg(name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = on_core(core, || command.spawn())?.context("can't run scripts/services")?;
        let mut url = String::new();
        BufReader::new(script.stdout.take().context("stdout is not piped")?).read_line(&mut url)?;
        ensure!(!url.is_empty(), "{name} does not start");
        Ok(Self { script, url: url.trim_end().to_owned() })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        // It says itself what went wrong.
        _ = self.script.wait();
    }
}
