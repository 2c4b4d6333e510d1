//! Where messages are kept, and what carries them between servers: the only place that chooses.

use sockeye::{App, PostgresHistory, RedisBroker, Result, SqliteHistory};

use crate::{Settings, settings::Store};

pub(crate) fn add(app: App, settings: &Settings) -> Result<App> {
    let app = match &settings.store {
        Store::Sqlite(file) => app.history(SqliteHistory::open(file)?),
        Store::Postgres(url) => app.history(PostgresHistory::connect(url)?),
    };
    Ok(match &settings.redis {
        Some(url) => app.broker(RedisBroker::new(url)?),
        None => app,
    })
}
