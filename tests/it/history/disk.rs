//! Files that can't be used, disks that are full, and what is there afterwards.

use std::fs;

use sockeye::{ErrorKind, History, Offset, Result, Retention, Span, SqliteHistory, prelude::*};
use sockeye_tests::disk::Disk;

use super::{Scratch, append};

async fn count(history: &SqliteHistory) -> Result<u64> {
    let mut last = Offset::START;
    loop {
        let page = history.read("a", Span::After(last), 1000).await?;
        last = page.messages.last().map_or(last, |stored| stored.offset);
        if !page.more {
            return Ok(last.get());
        }
    }
}

#[sockeye::test]
async fn it_goes_on_after_a_restart() -> Result<()> {
    let scratch = Scratch::new();
    for round in 0..3 {
        let history = SqliteHistory::open_with(scratch.file(), Retention::all().count(5))?;
        for number in 1..=4 {
            let stored = append(&history, "a", vec![Message::text("x")]).await?;
            assert_eq!(stored[0].offset.get(), round * 4 + number);
        }
        assert_eq!(count(&history).await?, (round + 1) * 4);
    }
    Ok(())
}

/// Two stores on one file are one store: nothing is overwritten.
#[sockeye::test(flavor = "multi_thread")]
async fn two_processes_may_share_a_file() -> Result<()> {
    let scratch = Scratch::new();
    let stores = [SqliteHistory::open(scratch.file())?, SqliteHistory::open(scratch.file())?];
    let tasks = stores.clone().map(|store| {
        tokio::spawn(async move {
            for _ in 0..100 {
                append(&store, "a", vec![Message::text("x")]).await.unwrap();
            }
        })
    });
    for task in tasks {
        task.await?;
    }
    assert_eq!(count(&stores[0]).await?, 200);
    Ok(())
}

#[sockeye::test]
async fn what_is_no_database_is_refused() -> Result<()> {
    let scratch = Scratch::new();
    let missing = scratch.0.join("no/such/folder.db");
    fs::write(scratch.file(), "this is a letter to my aunt, and no database at all. ".repeat(100))?;
    for path in [scratch.file(), missing, scratch.0.clone()] {
        let error = SqliteHistory::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() -> Result<()> {
    let scratch = Scratch::new();
    let Some(disk) = Disk::mount(&scratch.0, 1024) else { return Ok(()) };
    let filler = disk.join("filler");
    fs::write(&filler, vec![0; 300 << 10])?;
    let file = disk.join("history.db");
    let history = SqliteHistory::open(&file)?;
    let room = App::new().history(history.clone()).hub().room("a");
    let text = "x".repeat(8 << 10);
    let mut acknowledged = 0;
    let error = loop {
        match room.publish(&text).await {
            Ok(offset) => {
                acknowledged += 1;
                assert_eq!(offset.get(), acknowledged);
            }
            Err(error) => break error,
        }
    };
    assert!(error.is_storage() && error.to_string().contains("full"), "{error}");
    assert!(room.publish(&text).await.unwrap_err().is_storage());
    // Whatever little may still find room.
    assert!(history.check().await.unwrap_err().to_string().contains("full"));
    // What is there can be read.
    assert_eq!(count(&history).await?, acknowledged);
    // With room again it goes on by itself, without a gap.
    fs::remove_file(&filler)?;
    assert_eq!(room.publish(&text).await?.get(), acknowledged + 1);
    history.check().await?;
    drop((room, history));
    let history = SqliteHistory::open(&file)?;
    assert_eq!(count(&history).await?, acknowledged + 1);
    Ok(())
}
