//! PostgreSQL is killed, hangs, is cut off between a commit and its answer, has no connection to give: whoever says something
//! is told, nobody is cut off, nothing is stored twice, and it goes on by itself.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sockeye_tests::{proxy::Proxy, services::Service};
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};
use tokio_postgres::{NoTls, error::SqlState};

use crate::chat::{
    Scratch, alone,
    audit::OUTSIDERS,
    client::Plan,
    load::Load,
    node::Node,
    size,
    socket::{Came, Event, Socket},
    stuck::Stuck,
};

const AWAY: &str = "storage_unavailable";
/// Until all have been told, when it hangs: the store is given 5 s for a connection and 5 s for an answer.
const TOLD: Duration = Duration::from_secs(20);
const NOT_READY: Duration = Duration::from_secs(5);
const BACK: Duration = Duration::from_secs(10);
/// That PostgreSQL has to give.
const CONNECTIONS: usize = 20;
const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name <> 'others'";
/// Who comes while it is away.
const NEWCOMER: u64 = OUTSIDERS + 2;

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_away() -> Result<()> {
    alone(Duration::from_secs(300), async {
        let mut postgres = block_in_place(|| Service::start("postgres"));
        let scratch = Scratch::new();
        let node = Node::start(&scratch.0, "chat", &[("DATABASE_URL", postgres.url())])?;
        let mut load = Load::start(Plan::new(&[node.addr]));
        let _stuck = Stuck::start(node.addr, "tea");
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

/// Commits are done whose answers never come; clients say their messages again, and each is there once.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_cut_off_again_and_again() -> Result<()> {
    alone(Duration::from_secs(200), async {
        let postgres = block_in_place(|| Service::start("postgres"));
        let link = Proxy::start(postgres.port(), 1).await?;
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", link.port());
        let scratch = Scratch::new();
        let node = Node::start(&scratch.0, "chat", &[("DATABASE_URL", &url)])?;
        let mut load = Load::start(Plan::new(&[node.addr]));
        let _stuck = Stuck::start(node.addr, "tea");
        load.all_in(BACK).await?;
        for cut in 0..size(20, 300) {
            load.talk(Duration::from_millis(50)).await?;
            // Now with answers that were on their way, now without.
            link.mute(cut % 4 != 0);
            sleep(Duration::from_millis(5 + cut % 7 * 3)).await;
            link.cut();
            link.mute(false);
        }
        node.until_health(200, BACK).await?;
        let report = load.settle(node.addr, Duration::from_secs(30)).await?;
        println!("{report}");
        ensure!(report.refusals.contains_key(AWAY), "no cut has met a message");
        ensure!(report.lost.is_empty(), "sockets were closed: {:?}", report.lost);
        Ok(())
    })
    .await
}

/// Others have all of PostgreSQL's connections, or the lock of every room.
#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_busy() -> Result<()> {
    alone(Duration::from_secs(200), async {
        let most = format!("max_connections={CONNECTIONS}");
        let postgres = block_in_place(|| Service::start_with("postgres", &["-c", &most]));
        let scratch = Scratch::new();
        let node = Node::start(&scratch.0, "chat", &[("DATABASE_URL", postgres.url())])?;
        let mut load = Load::start(Plan::new(&[node.addr]));
        let _stuck = Stuck::start(node.addr, "tea");
        load.all_in(BACK).await?;
        for _ in 0..size(1, 3) {
            load.talk(Duration::from_millis(500)).await?;
            let (other, connection) = tokio_postgres::connect(postgres.url(), NoTls).await?;
            let connection = tokio::spawn(connection);
            other.batch_execute("BEGIN; SELECT * FROM sockeye_room FOR UPDATE").await?;
            load.all_refused(AWAY, TOLD).await?;
            drop(other);
            connection.await??;
            let acknowledged = load.acknowledged();
            load.talk(Duration::from_secs(2)).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing is stored after the lock is gone");

            let others = take_all(postgres.url()).await?;
            node.until_health(503, NOT_READY).await?;
            load.all_refused(AWAY, TOLD).await?;
            drop(others);
            node.until_health(200, BACK).await?;
            let acknowledged = load.acknowledged();
            load.talk(Duration::from_secs(2)).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing is stored with connections again");
        }
        let report = load.settle(node.addr, Duration::from_secs(30)).await?;
        println!("{report}");
        ensure!(report.lost.is_empty(), "sockets were closed: {:?}", report.lost);
        Ok(())
    })
    .await
}

/// Takes all connections that there are, those that the chat has, too.
async fn take_all(url: &str) -> Result<Vec<tokio_postgres::Client>> {
    let url = format!("{url}?application_name=others");
    let mut clients: Vec<tokio_postgres::Client> = Vec::new();
    while clients.len() < CONNECTIONS {
        match tokio_postgres::connect(&url, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                clients.push(client);
            }
            Err(error) => {
                ensure!(error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS), "expected none to be free, got {error}");
                let first = clients.first().context("not one connection is free")?;
                first.batch_execute(END_OTHERS).await?;
            }
        }
    }
    Ok(clients)
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
