//! Names of rooms that look like syntax, and words on Redis' channels that no node of ours has said: two nodes go on as if
//! there were nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sockeye::{
    Broker, Bytes, RedisBroker,
    broker::{Channel, Session},
};
use tokio::time::timeout;

use crate::chat::{
    alone,
    client::{Plan, encode},
    load::Load,
    node::Node,
    site::Site,
    size,
    socket::{Lost, Socket},
};

const READY: Duration = Duration::from_secs(15);
const SETTLED: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(240);
/// KiB of both nodes. Each hears eight messages of 10 MiB in a round, and should keep none.
const MOST: u64 = 200 << 10;
/// What nodes say more often than that.
const BEAT: Duration = Duration::from_secs(10);

/// What Redis, NATS, SQL, a path, a pattern or a terminal would make something of.
fn names() -> Vec<String> {
    let names = [
        "*",
        "a.b.>",
        "room?",
        "[a-z]",
        "{}",
        "{a}b",
        "a\r\nPUBLISH x y\r\n",
        "../x",
        "/",
        "%2e%2e",
        "$SYS.>",
        "'; DROP TABLE sockeye_room; --",
        "\"\\\"",
        "\u{202e}left",
        "e\u{301}",
        "\u{e9}",
        " ",
        "a\tb",
        "NULL",
    ];
    names.map(str::to_owned).into_iter().chain([emoji()]).collect()
}

/// The longest name that the chat takes.
fn emoji() -> String {
    "🐟".repeat(256)
}

fn plan(site: &Site) -> Plan {
    Plan { are_at_home: true, ..Plan::new(&site.doors()) }
}

async fn settle(site: &Site, load: Load) -> Result<()> {
    let report = load.settle(site.nodes[0].addr, SETTLED).await?;
    println!("{report}");
    ensure!(report.refusals.is_empty() && report.lost.is_empty(), "some were refused, or cut off");
    Ok(())
}

/// Each is a room of its own, the same at both nodes. What can't be in a path, and what is too long, is refused.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_names() -> Result<()> {
    alone(LIMIT, async {
        let (site, rooms) = (Site::start(2).await?, names());
        let pause = Duration::from_millis(100);
        let mut load = Load::start(Plan { clients: 2 * rooms.len(), rooms: rooms.clone(), pause, ..plan(&site) });
        load.all_in(READY).await?;
        load.all_see_each_other(READY).await?;
        load.talk(Duration::from_secs(size(2, 20))).await?;
        for (refused, status) in [("%00".to_owned(), 400), ("%ff".to_owned(), 400), (encode(&emoji()) + "x", 404)] {
            let lost = Socket::open(site.nodes[0].addr, &refused, 1, None).await.err();
            ensure!(lost == Some(Lost::Refused(status)), "{lost:?} for {refused}");
        }
        for node in &site.nodes {
            let (_, stats) = node.get("/ws/stats").await?;
            let there = stats["rooms"].as_object().context("no rooms")?;
            let missing = rooms.iter().find(|room| there.get(*room).is_none_or(|room| room["connections"] != 1));
            ensure!(
                missing.is_none() && there.len() == rooms.len(),
                "expected one connection to this node in {missing:?}: {stats}"
            );
        }
        settle(&site, load).await
    })
    .await
}

/// Garbage, old versions, and 10 MiB at a time, on each channel that a node listens to.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_channels() -> Result<()> {
    alone(LIMIT, async {
        let site = Site::start(2).await?;
        let plan = plan(&site);
        let mut channels: Vec<_> = plan.rooms.iter().cloned().map(|room| Channel::Room(room.into())).collect();
        let mut load = Load::start(plan);
        load.all_in(READY).await?;
        load.all_see_each_other(READY).await?;
        let Session { mut outlet, mut intake } = RedisBroker::new(site.redis.url())?.connect().await?;
        outlet.subscribe(&[Channel::Nodes]).await?;
        channels.push(Channel::Nodes);
        for id in node_ids(&mut *intake, site.nodes.len()).await? {
            channels.push(Channel::Node(id.into()));
        }
        // Nothing more is to come to us.
        outlet.unsubscribe(&[Channel::Nodes]).await?;
        drop(intake);
        let Session { mut outlet, intake: _intake } = RedisBroker::new(site.redis.url())?.connect().await?;
        for round in 0..size(3, 10) {
            for garbage in garbage() {
                for channel in &channels {
                    outlet.publish(&[(channel.clone(), garbage.clone())]).await?;
                }
                load.talk(Duration::from_millis(50)).await?;
            }
            let memory = site.nodes.iter().map(Node::memory).sum::<Result<u64>>()?;
            println!("{memory} KiB after {round}");
            ensure!(memory < MOST, "the nodes have {memory} KiB after {} rounds", round + 1);
        }
        site.all_health(200, Duration::ZERO).await?;
        settle(&site, load).await
    })
    .await
}

/// As the nodes call themselves, read off what they say.
async fn node_ids(intake: &mut dyn sockeye::broker::Intake, nodes: usize) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < nodes {
        let (_, said) = timeout(BEAT, intake.next()).await.context("the nodes say nothing")??;
        let header = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let header: Value = serde_json::from_slice(header)?;
        let id = header["node"].as_str().with_context(|| format!("no node in {header}"))?;
        if !ids.iter().any(|known| known == id) {
            ids.push(id.to_owned());
        }
    }
    Ok(ids)
}

fn garbage() -> Vec<Bytes> {
    let short = [
        "",
        "\n",
        "no header",
        "{\"type\":\"message\",\"data\":{\"id\":1,\"user_id\":1,\"content\":\"invented\"}}",
        "{\"v\":0}\nold",
        "{\"v\":2}\nnew",
        "{\"v\":1,\"kind\":\"later\"}\n",
        "{\"v\":1,\"kind\":\"presence\",\"from\":0,\"to\":1}\n[]",
        "{\"v\":1,\"node\":\"xyz\"}\n",
        "{\"v\":1,\"offset\":0}\n",
        "{\"v\":1,\"offset\":-1}\n",
        "PUBLISH x y\r\n",
    ];
    let long = 10 << 20;
    let mut garbage: Vec<Bytes> = short.map(|text| Bytes::from_static(text.as_bytes())).into();
    garbage.push(vec![0; 64 * 1024].into());
    garbage.push(vec![b'['; long].into());
    garbage.push([b"{\"v\":1}\n".as_slice(), &vec![b'x'; long]].concat().into());
    garbage
}
