//! What the environment says.

use std::{env, path::PathBuf};

use sockeye::{Error, Result};

use crate::Rate;

/// Where messages are kept, and how much a connection may say.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) file: PathBuf,
    pub(crate) rate: Rate,
}

impl Settings {
    /// Messages are kept in this file.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into(), rate: Rate::default() }
    }

    /// Sets how much a connection may say.
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// What the variables say that the crate's own page lists. An empty one is as good as none.
    ///
    /// # Errors
    ///
    /// If one says what it can't.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| env::var(name).ok())
    }

    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        for (name, what) in [("DATABASE_URL", "PostgreSQL"), ("REDIS_URL", "Redis")] {
            if variable(name).is_some() {
                let text = format!("expected {name} not to be set: the chat does not speak to {what} yet");
                return Err(Error::other(text));
            }
        }
        let settings = Self::sqlite(variable("CHAT_DB").unwrap_or_else(|| "chat.db".to_owned()));
        Ok(settings.rate(variable("CHAT_RATE").map_or_else(|| Ok(Rate::default()), |text| text.parse())?))
    }
}
