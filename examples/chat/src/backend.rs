//! Where messages are kept, and what carries them between servers: the only place that chooses.

use sockeye::{App, History, PostgresHistory, RecentHistory, RedisBroker, Result, SqliteHistory};

use crate::{Settings, settings::Store};

pub(crate) fn add(app: App, settings: &Settings) -> Result<App> {
    match &settings.store {
        Store::Sqlite(file) => share(app, settings, SqliteHistory::open(file)?),
        Store::Postgres(url) => share(app, settings, PostgresHistory::connect(url)?),
    }
}

/// With a Redis the servers that share it, and the store, are one chat; the latest messages are kept there, too.
fn share(app: App, settings: &Settings, store: impl History) -> Result<App> {
    Ok(match &settings.redis {
        Some(url) => app.broker(RedisBroker::new(url)?).history(RecentHistory::redis(store, url)?),
        None => app.history(store),
    })
}
