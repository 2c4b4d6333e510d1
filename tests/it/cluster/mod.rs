//! Several nodes: hubs that share a broker, in one process.

mod delivery;
mod faulty;
mod outside;
mod presence;
mod stored;
mod wire;

use std::time::Duration;

use serde_json::{Value, json};
use sockeye::{LocalBroker, PresenceEvent, RoomOptions, TestSocket, prelude::*};

use self::faulty::Faulty;
use crate::rooms::{talk, until};

/// One of several nodes.
struct Node {
    hub: Hub,
    client: TestClient,
    broker: Faulty,
}

/// Joins a room that the query names.
#[websocket("/query")]
async fn query(ws: WebSocket, room: String, hub: Hub) -> Result<()> {
    let _member = hub.room(&room).join(&ws).await?;
    ws.send_text("joined").await?;
    ws.closed().await;
    Ok(())
}

fn app() -> App {
    let announce = |event: &PresenceEvent| match event {
        PresenceEvent::Joined(user) => Some(json!({ "joined": user.id() })),
        PresenceEvent::Left(user) => Some(json!({ "left": user.id() })),
        _ => None,
    };
    // Who waits in a test does not answer pings.
    let mut limits = Limits::default();
    limits.ping_interval = None;
    App::new().limits(limits).route(talk).route(query).rooms(RoomOptions::new().announce(announce))
}

/// A node with an app of its own.
fn node_of(broker: &LocalBroker, app: App) -> Node {
    let broker = Faulty::new(broker.clone());
    let app = app.broker(broker.clone());
    Node { hub: app.hub(), client: patient(app), broker }
}

/// A client that waits for what takes its time.
fn patient(app: App) -> TestClient {
    TestClient::new(app).patience(Duration::from_secs(60))
}

fn nodes<const N: usize>() -> [Node; N] {
    let broker = LocalBroker::new();
    [(); N].map(|()| node_of(&broker, app()))
}

impl Node {
    /// Opens a socket and waits until it has joined; gives whom it found there.
    async fn join(&self, path: &str) -> (TestSocket, Value) {
        let mut ws = self.client.websocket_connect(path).await.expect("the handshake");
        let presence = ws.receive_json().await.expect("the presence");
        (ws, presence)
    }

    async fn socket(&self, path: &str) -> TestSocket {
        self.join(path).await.0
    }

    fn users(&self, room: &str) -> Vec<String> {
        self.hub.room(room).presence().iter().map(|user| user.id().to_owned()).collect()
    }

    async fn is_ready(&self) -> bool {
        self.hub.health().await.is_ready()
    }
}

/// Some time passes, in which everything that can happen does.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
