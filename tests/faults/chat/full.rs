//! The disk is full: nothing is acknowledged that is not stored, clients are told, and it goes on when there is room again.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sockeye_tests::disk::Disk;

use crate::chat::{Scratch, alone, client::Plan, load::Load, node::Node, size, stuck::Stuck};

/// KiB of the disk. It has room for all that is said in this test, and for SQLite's log of it.
const SIZE: u64 = 48 << 10;
/// What is left of it when it is filled.
const REST: u64 = 200 << 10;

/// Takes all of a disk but a little.
fn fill(filler: &Path) -> Result<()> {
    let mut file = File::create(filler)?;
    let full = loop {
        if let Err(error) = file.write_all(&[0; 4096]) {
            break error;
        }
    };
    ensure!(full.kind() == ErrorKind::StorageFull, "{full}");
    Ok(file.set_len(file.metadata()?.len() - REST)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() -> Result<()> {
    let mount = Scratch::new();
    let Some(disk) = Disk::mount(&mount.0, SIZE) else { return Ok(()) };
    alone(Duration::from_secs(120), async {
        // Its log is on another disk.
        let scratch = Scratch::new();
        let (file, filler) = (disk.join("chat.db"), disk.join("filler"));
        let mut node = Node::start(&scratch.0, "chat", &[("CHAT_DB", file.to_str().context("a path in UTF-8")?)])?;
        let mut load = Load::start(Plan { length: 2000, ..Plan::new(&[node.addr]) });
        let _stuck = Stuck::start(node.addr, "tea");
        load.all_in(Duration::from_secs(10)).await?;
        for _ in 0..size(1, 3) {
            fill(&filler)?;
            load.all_refused("storage_unavailable", Duration::from_secs(20)).await?;
            node.until_health(503, Duration::from_secs(5)).await?;
            let acknowledged = load.acknowledged();
            load.talk(Duration::from_millis(500)).await?;
            ensure!(load.acknowledged() <= acknowledged + 2, "the disk has room after all");
            // Killed meanwhile, it can be read all the same.
            let entries = load.entries();
            ensure!(entries.iter().all(|count| *count == entries[0]), "sockets were closed: {entries:?}");
            node.kill();
            node.restart()?;
            load.all_back(&entries, Duration::from_secs(5)).await?;
            fs::remove_file(&filler)?;
            node.until_health(200, Duration::from_secs(5)).await?;
            load.talk(Duration::from_millis(500)).await?;
            ensure!(load.acknowledged() > acknowledged, "nothing is stored again");
        }
        println!("{}", load.settle(node.addr, Duration::from_secs(20)).await?);
        ensure!(node.log()?.contains("can't be stored"), "the log is silent");
        Ok(())
    })
    .await
}
