//! One run of the load generator, on its core, against a fresh server.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use common::process::on_core;

use crate::options::Options;
use crate::server::{Running, Server, beside_us};

/// The figures of one line, `name=value` each.
pub(crate) struct Figures(HashMap<String, f64>);

impl Figures {
    pub(crate) fn read(output: Vec<u8>) -> Result<Self> {
        let text = String::from_utf8(output)?;
        let pairs = text.split_whitespace().map(|pair| {
            let (name, value) = pair.split_once('=').with_context(|| format!("odd figure {pair}"))?;
            Ok((name.to_owned(), value.parse()?))
        });
        pairs.collect::<Result<_>>().map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Result<f64> {
        self.0.get(name).copied().with_context(|| format!("there is no figure {name}"))
    }
}

pub(crate) fn run(options: &Options, server: Server, running: &Running, args: &[(&str, String)]) -> Result<Figures> {
    let mut command = Command::new(beside_us("load")?);
    command.args(["--addr", &running.addr, "--pid", &running.pid().to_string()]);
    command.args(["--protocol", &server.protocol().to_string()]);
    for (name, value) in args {
        command.args([&format!("--{name}"), value]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child =
        on_core(options.load_core, || command.spawn())?.context("can't start the load generator: is it built?")?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}: the load generator failed", server.binary);
    Figures::read(output.stdout)
}
