//! Two nodes with one store, and what goes on there while something fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sockeye::{
    Broker, History, MemoryHistory, NatsBroker, RedisBroker, Retention, RoomOptions, Span, TestSocket, prelude::*,
};
use sockeye_tests::{proxy::Proxy, services::Service};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

const ROOMS: [&str; 2] = ["lobby", "*\r\n\u{1f41f}"];
/// Between two messages of a publisher: there are four.
const PAUSE: Duration = Duration::from_millis(10);
/// In which a node notices that its broker is away, and one more for a machine that is busy.
pub(super) const NOTICED: Duration = Duration::from_secs(6);
/// In which it is there again: the longest wait before an attempt, the attempt, and a sign of life.
pub(super) const BACK: Duration = Duration::from_secs(15);
/// In which a message reaches members of the node that published it, whatever the broker does.
const HERE: Duration = Duration::from_secs(1);
/// In which the last message is found in the store.
const SETTLED: Duration = Duration::from_secs(20);

/// Replays what is stored behind an offset, and goes on.
#[websocket("/since")]
async fn since(ws: WebSocket, room: String, since: u64, hub: Hub) -> Result<()> {
    let _resumed = hub.room(&room).join_since(&ws, since).await?;
    ws.closed().await;
    Ok(())
}

/// Joins as a user.
#[websocket("/as")]
async fn user(ws: WebSocket, room: String, user: String, hub: Hub) -> Result<()> {
    let _member = hub.room(&room).join_as(&ws, &user, json!({})).await?;
    ws.closed().await;
    Ok(())
}

pub(super) struct Node {
    pub(super) hub: Hub,
    pub(super) client: TestClient,
    /// Between it and the broker.
    pub(super) proxy: Proxy,
}

impl Node {
    async fn start(service: &str, port: u16, store: &Arc<MemoryHistory>, seed: u64) -> Result<Self> {
        let proxy = Proxy::start(port, seed).await?;
        let address = format!("127.0.0.1:{}", proxy.port());
        let broker: Arc<dyn Broker> = match service {
            "redis" => Arc::new(RedisBroker::new(&format!("redis://{address}"))?),
            _ => Arc::new(NatsBroker::new(&format!("nats://{address}"))?),
        };
        // Who waits in a test does not answer pings.
        let mut limits = Limits::default();
        limits.ping_interval = None;
        let app = App::new().limits(limits).route(since).route(user).history(store.clone()).broker(broker);
        let app = app.rooms(RoomOptions::new().render(|stored| json!({ "offset": stored.offset })));
        Ok(Self { hub: app.hub(), client: TestClient::new(app).patience(Duration::from_secs(120)), proxy })
    }

    pub(super) async fn is_ready(&self) -> bool {
        self.hub.health().await.is_ready()
    }

    pub(super) async fn socket(&self, path: &str) -> Result<TestSocket> {
        self.client.websocket_connect(path).await
    }

    /// Users of a room, as this node sees them.
    pub(super) fn users(&self, room: &str) -> Vec<String> {
        let mut users: Vec<_> = self.hub.room(room).presence().iter().map(|user| user.id().to_owned()).collect();
        users.sort();
        users
    }
}

/// A member, and the last offset that it has got.
struct Follower {
    room: &'static str,
    node: usize,
    last: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

/// Two nodes under load, each with its members.
pub(super) struct Load {
    pub(super) service: Service,
    pub(super) nodes: [Node; 2],
    store: Arc<MemoryHistory>,
    publishers: Vec<JoinHandle<()>>,
    followers: Vec<Follower>,
    is_over: Arc<AtomicBool>,
    /// One that never reads.
    _stuck: TestSocket,
}

impl Load {
    pub(super) async fn start(service: &'static str) -> Result<Self> {
        let server = Service::start(service);
        let store = Arc::new(MemoryHistory::with(Retention::all()));
        let nodes = [
            Node::start(service, server.port(), &store, 1).await?,
            Node::start(service, server.port(), &store, 2).await?,
        ];
        let stuck = nodes[0].socket("/since?room=lobby&since=0").await?;
        let mut followers = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            for room in ROOMS {
                followers.push(follow(node, number, room).await?);
            }
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let publishers = nodes.iter().flat_map(|node| ROOMS.map(|room| publish(node, room, &is_over))).collect();
        let load = Self { service: server, nodes, store, publishers, followers, is_over, _stuck: stuck };
        load.until_all_are(true, BACK).await;
        sleep(Duration::from_secs(1)).await;
        Ok(load)
    }

    /// Waits until all nodes are ready, or all are not.
    pub(super) async fn until_all_are(&self, ready: bool, patience: Duration) {
        for (number, node) in self.nodes.iter().enumerate() {
            until(patience, &format!("node {number} is {}ready", if ready { "" } else { "not " }), async || {
                node.is_ready().await == ready
            })
            .await;
        }
    }

    /// Members get what their own node publishes at once, for some time.
    pub(super) async fn local_delivery_goes_on(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            for follower in &self.followers {
                let room = self.nodes[follower.node].hub.room(follower.room);
                let offset = room.publish(&"here").await?.get();
                let mut last = follower.last.clone();
                let came = timeout(HERE, last.wait_for(|last| *last >= offset)).await;
                assert!(matches!(came, Ok(Ok(_))), "message {offset} has not come to a member of its own node");
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Stops publishing. Every member's view must be the stored sequence, from its first offset to its last.
    pub(super) async fn ends_well(self) -> Result<()> {
        self.is_over.store(true, Ordering::Relaxed);
        for publisher in self.publishers {
            publisher.await?;
        }
        for Follower { room, node, mut last, task } in self.followers {
            let end = self.store.read(room, Span::Latest, 1).await?.last.get();
            assert!(end > 100, "there was no load: {end} messages");
            let came = timeout(SETTLED, last.wait_for(|last| *last >= end)).await.map(|last| last.map(|last| *last));
            match came {
                Ok(Ok(last)) => assert_eq!(last, end),
                // It says itself what it has seen.
                Ok(Err(_)) => task.await?,
                Err(_) => panic!("a member of node {node} in {room:?} is at {} of {end}", *last.borrow()),
            }
        }
        Ok(())
    }
}

fn publish(node: &Node, room: &str, is_over: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (room, is_over) = (node.hub.room(room), is_over.clone());
    tokio::spawn(async move {
        for number in 0_u64.. {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            room.publish(&number).await.expect("the store is there");
            sleep(PAUSE).await;
        }
    })
}

/// A member that sees every offset once, in order.
async fn follow(node: &Node, number: usize, room: &'static str) -> Result<Follower> {
    let query: String = room.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut ws = node.socket(&format!("/since?room={query}&since=0")).await?;
    let (sender, last) = watch::channel(0);
    let task = tokio::spawn(async move {
        loop {
            let message: Value = ws.receive_json().await.expect("a message");
            let (offset, seen) = (message["offset"].as_u64().expect("an offset"), *sender.borrow());
            assert_eq!(offset, seen + 1, "a gap, or a duplicate, in {room:?} on node {number}");
            sender.send_replace(offset);
        }
    });
    Ok(Follower { room, node: number, last, task })
}

/// Asks until it is so.
pub(super) async fn until(patience: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !is_so().await {
        assert!(begin.elapsed() < patience, "expected within {patience:?} that {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
