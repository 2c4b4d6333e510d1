//! Stored messages: one suite for all stores, publishing, resuming, and what survives.

mod disk;
mod forgetting;
mod keys;
mod killed;
mod publishing;
mod receipts;
mod recent;
mod resuming;
mod stores;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::json;
use sockeye::{
    Draft, History, LastEventId, MemoryHistory, Offset, PostgresHistory, PostgresOptions, RecentHistory, RecentOptions,
    Retention, SqliteHistory, Stored, prelude::*,
};
use sockeye_tests::services::Service;

/// A folder for a test, and gone after it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("history-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("history.db")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// Joins from an offset on.
#[websocket("/since/<room>")]
pub(crate) async fn since(ws: WebSocket, room: String, since: u64, hub: Hub) -> Result<()> {
    let resumed = hub.room(&room).join_since(&ws, since).await?;
    ws.send_json(&json!({ "recovered": resumed.recovered })).await?;
    ws.closed().await;
    Ok(())
}

/// The same as an event stream.
#[get("/events/<room>")]
pub(crate) async fn events(room: String, last: LastEventId, hub: Hub) -> Result<Sse> {
    hub.room(&room).sse_since(last.parse::<Offset>())
}

/// One of the stores that come with the crate, without a message.
enum Store {
    Memory,
    Sqlite(Scratch),
    /// In a schema of its own.
    Postgres(Arc<Service>, String),
    /// A file, behind a cache in memory.
    Recent(Scratch),
    /// A file, behind a cache in Redis.
    Redis(Scratch, Arc<Service>),
}

impl Store {
    fn memory() -> Self {
        Self::Memory
    }

    fn sqlite() -> Self {
        Self::Sqlite(Scratch::new())
    }

    fn postgres(server: &Arc<Service>, test: &str) -> Self {
        Self::Postgres(server.clone(), format!("{test} \"of\" 'ours'; 🐟"))
    }

    fn recent() -> Self {
        Self::Recent(Scratch::new())
    }

    fn redis(server: &Arc<Service>) -> Self {
        Self::Redis(Scratch::new(), server.clone())
    }

    /// Each is a store of its own, over the same messages, but for the one in memory.
    fn open(&self, retention: Retention) -> Arc<dyn History> {
        match self {
            Self::Memory => Arc::new(MemoryHistory::with(retention)),
            Self::Sqlite(folder) => Arc::new(SqliteHistory::open_with(folder.file(), retention).expect("a store")),
            Self::Recent(folder) => {
                let store = SqliteHistory::open_with(folder.file(), retention).expect("a store");
                Arc::new(RecentHistory::with(store, RecentOptions::new().messages(30)))
            }
            Self::Redis(folder, server) => {
                let store = SqliteHistory::open_with(folder.file(), retention).expect("a store");
                let options = RecentOptions::new().messages(30).prefix(folder.file().display().to_string());
                Arc::new(RecentHistory::redis_with(store, server.url(), options).expect("a store"))
            }
            Self::Postgres(server, schema) => {
                let options = PostgresOptions::new().retention(retention).schema(schema);
                Arc::new(PostgresHistory::connect_with(server.url(), options).expect("a store"))
            }
        }
    }

    fn open_all(&self) -> Arc<dyn History> {
        self.open(Retention::all())
    }

    /// Two that share what is stored, as two nodes would: of what is in memory there is only one.
    fn open_two(&self) -> [Arc<dyn History>; 2] {
        let first = self.open_all();
        let second = if matches!(self, Self::Memory) { first.clone() } else { self.open_all() };
        [first, second]
    }
}

/// Stores messages without keys.
async fn append(history: &dyn History, room: &str, messages: Vec<Message>) -> Result<Vec<Stored>> {
    let appended = history.append(room, messages.into_iter().map(Draft::new).collect()).await?;
    assert!(appended.iter().all(|appended| appended.is_new));
    Ok(appended.into_iter().map(|appended| appended.stored).collect())
}

/// Runs each function with each store, as a test of its own; those with a server one after the other.
macro_rules! with_each_store {
    ($($(#[$attribute:meta])* $test:ident),* $(,)?) => {
        mod memory {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Store::memory()).await })*
        }
        mod recent {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Store::recent()).await })*
        }
        mod sqlite {
            $(#[sockeye::test(flavor = "multi_thread")]
            async fn $test() -> sockeye::Result<()> { super::$test(super::super::Store::sqlite()).await })*
        }
        #[sockeye::test(flavor = "multi_thread")]
        async fn redis() -> sockeye::Result<()> {
            let server = std::sync::Arc::new(sockeye_tests::services::Service::start("redis"));
            $(
                println!("{}", stringify!($test));
                $test(super::Store::redis(&server)).await?;
            )*
            Ok(())
        }
        #[sockeye::test(flavor = "multi_thread")]
        async fn postgres() -> sockeye::Result<()> {
            let server = std::sync::Arc::new(sockeye_tests::services::Service::start("postgres"));
            $(
                println!("{}", stringify!($test));
                $test(super::Store::postgres(&server, stringify!($test))).await?;
            )*
            Ok(())
        }
    };
}
use with_each_store;
