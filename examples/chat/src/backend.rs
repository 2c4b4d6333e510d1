//! Where messages are kept, and what carries them between servers: the only place that chooses.

use sockeye::{App, Result, SqliteHistory};

use crate::Settings;

pub(crate) fn add(app: App, settings: &Settings) -> Result<App> {
    Ok(app.history(SqliteHistory::open(&settings.file)?))
}
