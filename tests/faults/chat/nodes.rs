//! Two nodes: Redis between them is killed and hangs, one of them is killed, hangs, is cut off. All see what is stored, and
//! who is there.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sockeye_tests::proxy::Odds;
use tokio::task::block_in_place;

use crate::chat::{alone, client::Plan, load::Load, site::Site, size, stuck::Stuck};

const NOT_READY: Duration = Duration::from_secs(5);
const READY: Duration = Duration::from_secs(15);
/// From a node's death until its users have left, and from its return until they are back.
const PRESENCE: Duration = Duration::from_secs(15);
const SETTLED: Duration = Duration::from_secs(30);
const LIMIT: Duration = Duration::from_secs(400);

/// Each client is at home at one of the nodes, and stays for a while.
fn plan(site: &Site) -> Plan {
    let stay = Some((Duration::from_secs(4), Duration::from_secs(2)));
    Plan { are_at_home: true, clients: 20, stay, ..Plan::new(&site.doors()) }
}

async fn settle(site: &Site, load: Load) -> Result<()> {
    let report = load.settle(site.nodes[0].addr, SETTLED).await?;
    println!("{report}");
    ensure!(report.refusals.is_empty(), "clients were refused: {:?}", report.refusals);
    Ok(())
}

/// Killed, restarted empty, hanging, refusing: messages go on being stored and heard.
#[tokio::test(flavor = "multi_thread")]
async fn redis_is_away() -> Result<()> {
    alone(LIMIT, async {
        let mut site = Site::start(2).await?;
        let mut load = Load::start(plan(&site));
        let _stuck = [0, 1].map(|node| Stuck::start(site.nodes[node].addr, "tea"));
        load.all_in(READY).await?;
        for round in 0..size(2, 6) {
            load.talk(Duration::from_secs(1)).await?;
            let hangs = round % 2 == 1;
            let acknowledged = load.acknowledged();
            block_in_place(|| if hangs { site.redis.stop() } else { site.redis.kill() });
            site.all_health(503, NOT_READY + Duration::from_secs(1)).await?;
            load.talk(Duration::from_secs(size(2, 30))).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing is stored while Redis is away");
            // The first that come back are refused.
            site.links.iter().for_each(|link| link.refuse(2));
            block_in_place(|| if hangs { site.redis.cont() } else { site.redis.restart() });
            site.all_health(200, READY).await?;
        }
        settle(&site, load).await
    })
    .await
}

/// Subscribers that are cut off every second; messages that are lost, doubled and overtaken.
#[tokio::test(flavor = "multi_thread")]
async fn the_link_is_bad() -> Result<()> {
    alone(LIMIT, async {
        let site = Site::start(2).await?;
        let mut load = Load::start(plan(&site));
        let _stuck = Stuck::start(site.nodes[1].addr, "tea");
        load.all_in(READY).await?;
        site.links.iter().for_each(|link| link.disturb(Odds { lose: 5, double: 5, overtake: 5 }));
        load.talk(Duration::from_secs(size(3, 60))).await?;
        for round in 0..size(3, 60) {
            site.links[round % 2].cut();
            load.talk(Duration::from_secs(1)).await?;
        }
        site.links.iter().for_each(|link| link.disturb(Odds::default()));
        settle(&site, load).await
    })
    .await
}

/// Its users leave, once, and come back with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_killed() -> Result<()> {
    alone(LIMIT, async {
        let mut site = Site::start(2).await?;
        let mut load = Load::start(Plan { stay: None, ..plan(&site) });
        let _stuck = Stuck::start(site.nodes[0].addr, "tea");
        load.all_in(READY).await?;
        load.all_see_each_other(READY).await?;
        for round in 0..size(1, 4) {
            let node = 1 - round % 2;
            load.talk(Duration::from_secs(1)).await?;
            site.nodes[node].kill();
            load.talk(Duration::from_millis(500)).await?;
            let begin = Instant::now();
            load.all_see_who_is_in(PRESENCE).await?;
            println!("the users of a killed node are gone after {:?}", begin.elapsed());
            load.talk(Duration::from_secs(size(1, 10))).await?;
            site.nodes[node].restart()?;
            load.all_in(READY).await?;
            load.all_see_each_other(PRESENCE).await?;
        }
        settle(&site, load).await
    })
    .await
}

/// It is taken for dead, and is not: its users are gone for a while, and nobody is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_hangs() -> Result<()> {
    alone(LIMIT, async {
        let site = Site::start(2).await?;
        let mut load = Load::start(Plan { stay: None, ..plan(&site) });
        let _stuck = Stuck::start(site.nodes[0].addr, "tea");
        load.all_in(READY).await?;
        load.all_see_each_other(READY).await?;
        for round in 0..size(1, 3) {
            let node = 1 - round % 2;
            load.talk(Duration::from_secs(1)).await?;
            site.nodes[node].stop();
            let begin = Instant::now();
            load.all_of_home_see(1 - node, &[1 - node], PRESENCE).await?;
            println!("the users of a node that hangs are gone after {:?}", begin.elapsed());
            load.talk(Duration::from_secs(size(1, 30))).await?;
            site.nodes[node].cont();
            let begin = Instant::now();
            load.all_see_each_other(PRESENCE).await?;
            println!("they are back after {:?}", begin.elapsed());
        }
        let report = load.settle(site.nodes[0].addr, SETTLED).await?;
        println!("{report}");
        ensure!(report.lost.is_empty(), "some were cut off: {:?}", report.lost);
        Ok(())
    })
    .await
}

/// Both cut off from Redis for longer than a lease, then one of them: no ghosts are left.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_cut_off() -> Result<()> {
    alone(LIMIT, async {
        let site = Site::start(2).await?;
        let mut load = Load::start(plan(&site));
        let _stuck = Stuck::start(site.nodes[0].addr, "tea");
        load.all_in(READY).await?;
        for round in 0..size(1, 3) {
            for cut in [&[0, 1][..], &[round % 2]] {
                let acknowledged = load.acknowledged();
                cut.iter().for_each(|node| site.cut(*node));
                load.talk(Duration::from_secs(size(11, 30))).await?;
                ensure!(load.acknowledged() > acknowledged, "nothing is stored without Redis");
                cut.iter().for_each(|node| site.heal(*node));
                site.all_health(200, READY).await?;
                load.talk(Duration::from_secs(1)).await?;
            }
        }
        settle(&site, load).await
    })
    .await
}
