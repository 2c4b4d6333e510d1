//! The server's numbers, over HTTP.

use std::{collections::BTreeMap, time::Duration};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Uri, body::Bytes};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::TokioExecutor,
};
use serde::Deserialize;
use sockeye::{BoxError, time::timeout};

use crate::text::visible;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that the answer may have.
const LONGEST: usize = 1 << 20;
/// Rooms that are shown.
const MOST_ROOMS: usize = 20;

#[derive(Deserialize)]
struct Stats {
    total_connections: u64,
    total_rooms: u64,
    rooms: BTreeMap<String, RoomStats>,
}

#[derive(Deserialize)]
struct RoomStats {
    connections: u64,
    users: u64,
}

/// Asks for them, and gives what is to be shown.
pub(crate) async fn stats(url: String) -> String {
    match timeout(PATIENCE, ask(&url)).await {
        Ok(Ok(stats)) => stats.shown(),
        Ok(Err(error)) => format!("no numbers: {}", visible(&error.to_string())),
        Err(_elapsed) => format!("no numbers: no answer within {PATIENCE:?}"),
    }
}

async fn ask(url: &str) -> Result<Stats, BoxError> {
    let uri: Uri = url.parse()?;
    if uri.scheme_str() == Some("https") {
        let connector = HttpsConnectorBuilder::new().with_native_roots()?.https_only().enable_http1().build();
        return get(uri, connector).await;
    }
    get(uri, HttpConnector::new()).await
}

async fn get(uri: Uri, connector: impl Connect + Clone + Send + Sync + 'static) -> Result<Stats, BoxError> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.get(uri).await?;
    if !answer.status().is_success() {
        return Err(format!("the server answers {}", answer.status()).into());
    }
    let body = Limited::new(answer.into_body(), LONGEST).collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}

impl Stats {
    fn shown(&self) -> String {
        let mut lines = vec![format!("{} connections in {} rooms", self.total_connections, self.total_rooms)];
        let rooms = self.rooms.iter().take(MOST_ROOMS);
        lines.extend(rooms.map(|(name, room)| {
            format!("  {}: {} users, {} connections", visible(name), room.users, room.connections)
        }));
        if self.rooms.len() > MOST_ROOMS {
            lines.push(format!("  and {} more", self.rooms.len() - MOST_ROOMS));
        }
        lines.join("\n")
    }
}
