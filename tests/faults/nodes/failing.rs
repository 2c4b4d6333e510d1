//! The broker fails under load: delivery on each node goes on, its health says so, and in the end everybody has everything.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use sockeye::Result;
use sockeye_tests::proxy::Odds;
use tokio::time::sleep;

use super::{
    load::{BACK, Load, NOTICED},
    with_each_broker,
};

with_each_broker![it_is_killed_and_restarted, it_stands_still, it_refuses_the_first_redials, connections_are_cut];

/// It comes back empty: neither keeps anything.
async fn it_is_killed_and_restarted(mut load: Load) -> Result<()> {
    for _ in 0..2 {
        load.service.kill();
        load.until_all_are(false, NOTICED).await;
        load.local_delivery_goes_on(Duration::from_secs(2)).await?;
        load.service.restart();
        load.until_all_are(true, BACK).await;
        sleep(Duration::from_secs(1)).await;
    }
    load.ends_well().await
}

/// The sockets are alive, and nobody answers.
async fn it_stands_still(mut load: Load) -> Result<()> {
    load.service.stop();
    load.until_all_are(false, NOTICED).await;
    load.local_delivery_goes_on(Duration::from_secs(10)).await?;
    load.service.cont();
    load.until_all_are(true, BACK).await;
    load.ends_well().await
}

async fn it_refuses_the_first_redials(load: Load) -> Result<()> {
    for node in &load.nodes {
        node.proxy.refuse(usize::MAX);
        node.proxy.cut();
    }
    load.until_all_are(false, NOTICED).await;
    // One more of the one, three of the other.
    load.nodes.iter().zip([1, 3]).for_each(|(node, times)| node.proxy.refuse(times));
    load.until_all_are(true, BACK).await;
    load.ends_well().await
}

/// Again and again, each node at another time.
async fn connections_are_cut(load: Load) -> Result<()> {
    for round in 0..8 {
        load.nodes[round % 2].proxy.cut();
        load.local_delivery_goes_on(Duration::from_millis(700)).await?;
    }
    load.until_all_are(true, BACK).await;
    load.ends_well().await
}

#[sockeye::test(flavor = "multi_thread")]
async fn redis_kills_its_subscribers_every_second() -> Result<()> {
    let load = Load::start("redis").await?;
    for _ in 0..8 {
        let mut client = tokio::net::TcpStream::connect(("127.0.0.1", load.service.port())).await?;
        let (mut answer, command) = ([0; 4], b"CLIENT KILL TYPE pubsub\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut client, command).await?;
        tokio::io::AsyncReadExt::read_exact(&mut client, &mut answer).await?;
        assert_eq!(answer[0], b':', "{answer:?}");
        load.local_delivery_goes_on(Duration::from_secs(1)).await?;
    }
    load.until_all_are(true, BACK).await;
    load.ends_well().await
}

#[sockeye::test(flavor = "multi_thread")]
async fn redis_loses_doubles_and_swaps() -> Result<()> {
    let load = Load::start("redis").await?;
    load.nodes.iter().for_each(|node| node.proxy.disturb(Odds { lose: 5, double: 5, overtake: 5 }));
    load.local_delivery_goes_on(Duration::from_secs(8)).await?;
    // That is none of the network's business: nobody ends a connection for it.
    load.until_all_are(true, Duration::from_secs(1)).await;
    for node in &load.nodes {
        let tally = node.proxy.tally();
        assert!(
            [&tally.lost, &tally.doubled, &tally.overtaken].iter().all(|count| count.load(Relaxed) > 10),
            "{tally:?}"
        );
        assert_eq!(node.hub.health().await.broker.map(|broker| broker.reconnects), Some(0));
    }
    load.ends_well().await
}
