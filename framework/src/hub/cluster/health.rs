//! How the hub is.

use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer};
use tokio::time::timeout;

use super::Cluster;
use crate::{
    error::Error,
    history::History,
    hub::{Hub, registry::Registry},
    sync::lock,
};

/// How long the history may take to say how it is.
const CHECKING: Duration = Duration::from_secs(2);

/// How an app's hub is: whether what it depends on can be reached. Made by [`Hub::health`].
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// The hub's id among the nodes that share its broker: 32 hexadecimal digits. `None` without a broker.
    pub node: Option<String>,
    /// The broker, if the app has one.
    pub broker: Option<BrokerHealth>,
    /// The history, if the app has one.
    pub history: Option<HistoryHealth>,
}

/// How the connection to the broker is, and what went over it since the hub came to be.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct BrokerHealth {
    /// What it is: `redis`, say.
    pub name: &'static str,
    /// Whether it hands on what this node sends: within the last 5 s it did.
    pub connected: bool,
    /// Since when it is so, or is not. As JSON in milliseconds since 1970.
    #[serde(serialize_with = "millis")]
    pub since: SystemTime,
    /// The nodes that share it, this one too.
    pub nodes: usize,
    /// Messages that went to other nodes.
    pub published: u64,
    /// Everything that came: messages, one's own too, and what nodes tell each other.
    pub received: u64,
    /// Messages that other nodes did not get, since too many waited or there was no broker. Stored ones do not count: the
    /// others find them.
    pub dropped: u64,
    /// Messages of other nodes for which there was no room here.
    pub missed: u64,
    /// What came and was none of ours: no envelope, one of another version, or one that is too long.
    pub refused: u64,
    /// How often the connection came back.
    pub reconnects: u64,
    /// Why it is gone.
    pub error: Option<String>,
}

/// Whether the history can be written and read.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HistoryHealth {
    /// Whether it can.
    pub ok: bool,
    /// Why it can't.
    pub error: Option<String>,
}

impl Health {
    /// Whether broker and history can be reached, as far as there are any. A node that is not ready goes on with what it
    /// can do: a proxy may send new clients to another.
    pub fn is_ready(&self) -> bool {
        self.broker.as_ref().is_none_or(|broker| broker.connected) && self.history.as_ref().is_none_or(|it| it.ok)
    }
}

fn millis<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    serializer.serialize_u64(u64::try_from(millis).unwrap_or(u64::MAX))
}

impl Hub {
    /// How the hub is: whether broker and history can be reached, and what went over the broker.
    ///
    /// Asks the history, and waits for its answer at most 2 s. A broker that is away is noticed within 5 s, whatever its
    /// socket says. A hub without either is always ready. The connection to the broker is made when it is first needed, and
    /// at the latest by [`App::serve`](crate::App::serve).
    ///
    /// ```
    /// use sockeye::{Health, LocalBroker, MemoryHistory, prelude::*};
    ///
    /// #[get("/health")]
    /// async fn health(hub: Hub) -> Result<Json<Health>, StatusCode> {
    ///     let health = hub.health().await;
    ///     if health.is_ready() { Ok(Json(health)) } else { Err(StatusCode::SERVICE_UNAVAILABLE) }
    /// }
    /// # App::new().broker(LocalBroker::new()).history(MemoryHistory::new()).route(health).check().unwrap();
    /// ```
    pub async fn health(&self) -> Health {
        let cluster = self.registry.cluster();
        // Whoever asks whether it is there wants it to be.
        self.registry.wake();
        Health {
            node: cluster.map(|cluster| cluster.node.to_string()),
            broker: cluster.map(|cluster| cluster.health()),
            history: self.registry.check_history().await,
        }
    }
}

impl Cluster {
    fn health(&self) -> BrokerHealth {
        let (link, counts) = (self.link.state(), &self.counts);
        let connected = self.link.is_up();
        let silent = "it does not hand on what this node sends";
        BrokerHealth {
            name: self.broker().name(),
            connected,
            since: link.since,
            nodes: lock(&self.leases).len() + usize::from(!self.is_outside),
            published: counts.published.load(Ordering::Relaxed),
            received: counts.received.load(Ordering::Relaxed),
            dropped: counts.dropped.load(Ordering::Relaxed),
            missed: counts.missed.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            reconnects: link.ups.saturating_sub(1),
            error: (!connected).then(|| link.error.as_deref().unwrap_or(silent).to_owned()),
        }
    }
}

impl Registry {
    async fn check_history(&self) -> Option<HistoryHealth> {
        let history = self.history().ok()?;
        let late = |_| Error::storage("expected an answer within 2 s, got none");
        let checked = timeout(CHECKING, history.check()).await.map_err(late).and_then(|checked| checked);
        let error = checked.err().map(|error| error.to_string());
        Some(HistoryHealth { ok: error.is_none(), error })
    }
}
