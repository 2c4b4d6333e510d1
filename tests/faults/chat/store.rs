//! PostgreSQL is killed, and hangs: whoever says something is told, nobody is cut off, and it goes on by itself.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sockeye_tests::services::Service;
use tokio::{task::block_in_place, time::timeout};

use crate::chat::{
    Scratch, alone,
    audit::OUTSIDERS,
    client::Plan,
    load::Load,
    node::Node,
    size,
    socket::{Came, Event, Socket},
};

const AWAY: &str = "storage_unavailable";
/// Until all have been told, when it hangs: the store is given 5 s for a connection and 5 s for an answer.
const TOLD: Duration = Duration::from_secs(20);
const NOT_READY: Duration = Duration::from_secs(5);
const BACK: Duration = Duration::from_secs(10);
/// Who comes while it is away.
const NEWCOMER: u64 = OUTSIDERS + 2;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_away() -> Result<()> {
    alone(Duration::from_secs(300), async {
        let mut postgres = block_in_place(|| Service::start("postgres"));
        let scratch = Scratch::new();
        let node = Node::start(&scratch.0, "chat", &[("DATABASE_URL", postgres.url())])?;
        let mut load = Load::start(Plan::new(&[node.addr]));
        load.all_in(BACK).await?;
        for round in 0..size(2, 8) {
            load.talk(Duration::from_millis(500)).await?;
            let hangs = round % 2 == 1;
            block_in_place(|| if hangs { postgres.stop() } else { postgres.kill() });
            let newcomer = tokio::spawn(enter(node.addr));
            node.until_health(503, NOT_READY).await?;
            load.all_refused(AWAY, TOLD).await?;
            load.talk(Duration::from_secs(size(1, 10))).await?;
            if newcomer.is_finished() {
                bail!("somebody came while the store is away, and does not wait: {:?}", newcomer.await?);
            }
            let acknowledged = load.acknowledged();
            block_in_place(|| if hangs { postgres.cont() } else { postgres.restart() });
            node.until_health(200, BACK).await?;
            timeout(BACK, newcomer).await.context("who came meanwhile is not let in")???;
            load.talk(Duration::from_secs(2)).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing is stored again");
        }
        let report = load.settle(node.addr, Duration::from_secs(30)).await?;
        println!("{report}");
        ensure!(report.lost.is_empty(), "sockets were closed: {:?}", report.lost);
        for said in ["messages can't be stored", "messages are stored again"] {
            ensure!(node.log()?.contains(said), "the log does not say that {said}");
        }
        Ok(())
    })
    .await
}

/// Who comes is told first, and let in later.
async fn enter(door: std::net::SocketAddr) -> Result<()> {
    let mut socket = Socket::open(door, "tea", NEWCOMER, None).await.map_err(|lost| anyhow::anyhow!("{lost}"))?;
    let mut was_told = false;
    loop {
        match socket.next().await.map_err(|lost| anyhow::anyhow!("{lost}"))? {
            Came::Event(Event::Error { code, .. }) => was_told |= code == AWAY,
            Came::Event(Event::History { messages, .. }) => {
                ensure!(was_told, "who came was told nothing");
                ensure!(!messages.is_empty(), "nothing is there");
                socket.close().await;
                return Ok(());
            }
            // What others do.
            _ => {}
        }
    }
}
