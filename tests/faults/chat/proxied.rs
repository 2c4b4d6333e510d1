//! Three nodes behind Nginx, restarted one by one, while clients come, talk, drop and resume at random.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::chat::{alone, client::Plan, load::Load, nginx::Nginx, site::Site, size, socket::Lost};

const IN_A_ROOM: usize = 20;
const READY: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_behind_nginx() -> Result<()> {
    alone(Duration::from_secs(400), async {
        let mut site = Site::start(3).await?;
        let nginx = Nginx::start(site.folder(), &site.doors())?;
        let clients = size(60, 300);
        let rooms = (0..clients / IN_A_ROOM).map(|room| format!("room {room}")).collect();
        let stay = Some((Duration::from_secs(size(4, 10)), Duration::from_millis(500)));
        let pause = Duration::from_millis(size(500, 1500));
        let mut load = Load::start(Plan { clients, rooms, stay, pause, ..Plan::new(&[nginx.addr]) });
        load.all_in(READY).await?;
        let begin = Instant::now();
        let mut round = 0;
        while begin.elapsed() < Duration::from_secs(size(15, 120)) {
            load.talk(Duration::from_secs(size(2, 5))).await?;
            let node = &mut site.nodes[round % 3];
            let acknowledged = load.acknowledged();
            if round % 2 == 0 {
                let status = node.terminate().await?;
                ensure!(status.success(), "SIGTERM: {status}");
            } else {
                node.kill();
            }
            load.talk(Duration::from_secs(1)).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing was stored while one of three was away");
            node.restart()?;
            node.until_health(200, READY).await?;
            round += 1;
            if round == 4 {
                nginx.reload();
            }
        }
        let report = load.settle(nginx.addr, Duration::from_secs(30)).await?;
        println!("{round} restarts: {report}");
        ensure!(report.refusals.is_empty(), "clients were refused: {:?}", report.refusals);
        let refused = report.lost.keys().find(|lost| matches!(lost, Lost::Refused(_)));
        ensure!(refused.is_none(), "Nginx found no node: {refused:?}");
        Ok(())
    })
    .await
}
