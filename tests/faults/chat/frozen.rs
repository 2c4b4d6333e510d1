//! SIGSTOP, and SIGCONT much later: nobody is cut off for what could not be heard.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::chat::{Scratch, alone, client::Plan, load::Load, node::Node, size};

/// Sockets stay, and what was said meanwhile is stored and heard.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_cut_off() -> Result<()> {
    alone(Duration::from_secs(200), async {
        let scratch = Scratch::new();
        let node = Node::on_sqlite(&scratch.0)?;
        let mut load = Load::start(Plan { pause: Duration::from_millis(50), ..Plan::new(&[node.addr]) });
        load.all_in(Duration::from_secs(10)).await?;
        for _ in 0..size(1, 2) {
            load.talk(Duration::from_millis(500)).await?;
            node.stop();
            load.talk(Duration::from_secs(size(3, 60))).await?;
            node.cont();
        }
        load.talk(Duration::from_millis(500)).await?;
        let report = load.settle(node.addr, Duration::from_secs(20)).await?;
        println!("{report}");
        ensure!(report.lost.is_empty(), "some were cut off: {:?}", report.lost);
        Ok(())
    })
    .await
}
