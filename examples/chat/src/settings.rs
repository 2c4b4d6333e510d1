//! What the environment says.

use std::{env, path::PathBuf};

use sockeye::Result;

use crate::Rate;

/// Where messages are kept, what carries them to other servers, and how much a connection may say.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) store: Store,
    /// The URL of a Redis.
    pub(crate) redis: Option<String>,
    pub(crate) rate: Rate,
}

/// Where messages are kept.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Sqlite(PathBuf),
    /// At this URL.
    Postgres(String),
}

impl Settings {
    /// Messages are kept in this file.
    pub fn sqlite(file: impl Into<PathBuf>) -> Self {
        Self::at(Store::Sqlite(file.into()))
    }

    /// Messages are kept in this database.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::at(Store::Postgres(url.into()))
    }

    fn at(store: Store) -> Self {
        Self { store, redis: None, rate: Rate::default() }
    }

    /// The servers that share this Redis, and the store, are one chat.
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        self.redis = Some(url.into());
        self
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
        let mut settings = match variable("DATABASE_URL") {
            Some(url) => Self::postgres(url),
            None => Self::sqlite(variable("CHAT_DB").unwrap_or_else(|| "chat.db".to_owned())),
        };
        settings.redis = variable("REDIS_URL");
        Ok(settings.rate(variable("CHAT_RATE").map_or_else(|| Ok(Rate::default()), |text| text.parse())?))
    }
}
