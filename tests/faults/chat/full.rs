//! The disk is full: nothing is acknowledged that is not stored, clients are told, and it goes on when there is room again.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::chat::{Scratch, alone, client::Plan, load::Load, node::Node, size};

/// The disk. It has room for all that is said in this test, and for SQLite's log of it.
const MEGABYTES: u64 = 48;
/// What is left of it when it is filled.
const REST: u64 = 200 << 10;

/// A small disk, and gone after the test.
struct Disk(Scratch);

impl Disk {
    /// Why there is none, if there is none.
    fn new() -> Result<Self, String> {
        let scratch = Scratch::new();
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", &format!("size={MEGABYTES}m"), "tmpfs"]).arg(&scratch.0).output();
        let output = output.map_err(|error| error.to_string())?;
        output.status.success().then_some(Self(scratch)).ok_or_else(|| String::from_utf8_lossy(&output.stderr).into())
    }

    /// Takes all of it but a little.
    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler())?;
        let full = loop {
            if let Err(error) = file.write_all(&[0; 4096]) {
                break error;
            }
        };
        ensure!(full.kind() == ErrorKind::StorageFull, "{full}");
        Ok(file.set_len(file.metadata()?.len() - REST)?)
    }

    fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> impl AsRef<Path> {
        self.0.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} is still mounted", self.0.0.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() -> Result<()> {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => {
            eprintln!("SKIPPED: a small disk can't be mounted here: {why}");
            return Ok(());
        }
    };
    alone(Duration::from_secs(120), async {
        // Its log is on another disk.
        let scratch = Scratch::new();
        let file = disk.0.0.join("chat.db");
        let mut node = Node::start(&scratch.0, "chat", &[("CHAT_DB", file.to_str().context("a path in UTF-8")?)])?;
        let mut load = Load::start(Plan { length: 2000, ..Plan::new(&[node.addr]) });
        load.all_in(Duration::from_secs(10)).await?;
        for _ in 0..size(1, 3) {
            disk.fill()?;
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
            disk.make_room()?;
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
