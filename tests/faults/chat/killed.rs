//! `kill -9` of the chat, again and again.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::chat::{
    Scratch, alone,
    client::{Plan, Random},
    load::Load,
    node::Node,
    size,
    stuck::Stuck,
};

/// From when the server is there again.
const RESUMED: Duration = Duration::from_secs(5);

/// What was acknowledged is there, once and in order, and clients are back within 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives() -> Result<()> {
    alone(Duration::from_secs(300), async {
        let scratch = Scratch::new();
        let mut node = Node::on_sqlite(&scratch.0)?;
        let mut load = Load::start(Plan::new(&[node.addr]));
        let _stuck = Stuck::start(node.addr, "tea");
        load.all_in(Duration::from_secs(10)).await?;
        let mut random = Random::new(9);
        for _ in 0..size(4, 60) {
            let acknowledged = load.acknowledged();
            load.talk(random.about(Duration::from_millis(800))).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing was acknowledged");
            let entries = load.entries();
            node.kill();
            node.restart()?;
            let begin = Instant::now();
            load.all_back(&entries, RESUMED).await?;
            println!("all are back after {:?}", begin.elapsed());
        }
        let report = load.settle(node.addr, Duration::from_secs(20)).await?;
        println!("{report}");
        Ok(())
    })
    .await
}
