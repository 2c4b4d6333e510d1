//! What may be chosen.

use std::time::Duration;

use crate::history::Retention;

/// How a [`PostgresHistory`](super::PostgresHistory) uses its database.
///
/// ```
/// use std::time::Duration;
/// use sockeye::{PostgresOptions, Retention};
///
/// let options = PostgresOptions::new().schema("chat").retention(Retention::all().count(100_000)).connections(16);
/// # drop(options);
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `PostgresHistory::connect_with` gets it"]
pub struct PostgresOptions {
    pub(super) retention: Retention,
    pub(super) schema: Option<String>,
    pub(super) connections: usize,
    pub(super) patience: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { retention: Retention::all(), schema: None, connections: 8, patience: Duration::from_secs(5) }
    }
}

impl PostgresOptions {
    /// All messages are kept, over 8 connections, each step within 5 s.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps so much of each room. All nodes that share a database should keep the same. What is no longer kept is seen by
    /// nobody, and deleted bit by bit.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// The schema that holds the tables, which is made if it is not there. By default it is the one in which the
    /// connection's user makes tables: `public`, mostly.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }

    /// Connections at most; at least one. A room appends over one at a time.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most.max(1);
        self
    }

    /// How long to wait for a connection, and then as long for an answer, before it is an error. At least 10 ms.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.max(Duration::from_millis(10));
        self
    }
}
