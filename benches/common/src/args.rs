//! `--name value` and `--flag`: all that a benchmark needs of a command line.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, Result, bail};

/// The options a program was called with.
#[derive(Debug, Default)]
pub struct Args {
    values: HashMap<String, String>,
}

impl Args {
    /// Reads the process's arguments. `options` take a value, `flags` take none.
    pub fn from_env(options: &[&str], flags: &[&str]) -> Result<Self> {
        Self::parse(std::env::args().skip(1), options, flags)
    }

    pub fn parse(mut words: impl Iterator<Item = String>, options: &[&str], flags: &[&str]) -> Result<Self> {
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").unwrap_or_default().to_owned();
            let value = if flags.contains(&name.as_str()) {
                String::new()
            } else if options.contains(&name.as_str()) {
                words.next().with_context(|| format!("--{name} takes a value"))?
            } else {
                bail!("unknown argument `{word}`; known: {}", known(options, flags));
            };
            values.insert(name, value);
        }
        Ok(Self { values })
    }

    pub fn flag(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The option's value, or `default` when it was not given.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        self.text(name).map_or(Ok(default), |text| read(name, text))
    }

    pub fn required<T: FromStr>(&self, name: &str) -> Result<T> {
        let text = self.text(name).with_context(|| format!("--{name} is missing"))?;
        read(name, text)
    }

    /// A comma-separated list; `default` is written the same way.
    pub fn list<T: FromStr>(&self, name: &str, default: &str) -> Result<Vec<T>> {
        let text = self.text(name).unwrap_or(default);
        text.split(',').map(|item| read(name, item.trim())).collect()
    }
}

fn read<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.parse().ok().with_context(|| format!("--{name}: `{text}` can't be read"))
}

fn known(options: &[&str], flags: &[&str]) -> String {
    let options = options.iter().map(|name| format!("--{name} VALUE"));
    let flags = flags.iter().map(|name| format!("--{name}"));
    options.chain(flags).collect::<Vec<_>>().join(", ")
}
