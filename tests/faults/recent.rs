//! The cache in Redis: it may be killed, hang and come back empty, and nobody notices but by the time that it takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sockeye::{
    Draft, History, MemoryHistory, Offset, RecentHistory, Result, Span, prelude::Message, spawn, time::sleep,
};
use sockeye_tests::services::Service;
use tokio::task::block_in_place;

/// Writes one more, and reads the latest back by both nodes.
async fn talk(nodes: &[RecentHistory; 2], offset: u64) -> Result<()> {
    let begin = Instant::now();
    let draft = Draft::new(Message::text(offset.to_string()));
    let appended = nodes[offset as usize % 2].append("a", vec![draft]).await?;
    assert_eq!(appended[0].stored.offset, Offset::new(offset));
    for node in nodes {
        for span in [Span::Latest, Span::After(Offset::new(offset.saturating_sub(10)))] {
            let page = node.read("a", span, 10).await?;
            let got = page.messages.iter().map(|stored| stored.offset.get());
            assert!(got.eq(offset.saturating_sub(9).max(1)..=offset));
            assert!(page.messages.iter().all(|stored| stored.message == Message::text(stored.offset.to_string())));
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn redis_killed_stopped_and_empty() -> Result<()> {
    let mut server = Service::start("redis");
    let store = Arc::new(MemoryHistory::new());
    let node = || RecentHistory::redis(store.clone(), server.url());
    let nodes = [node()?, node()?];
    let client = redis::Client::open(server.url())?;
    let kept = async || -> Result<usize> {
        let mut connection = client.get_multiplexed_async_connection().await?;
        Ok(redis::cmd("ZCARD").arg("sockeye:recent:a").query_async(&mut connection).await?)
    };
    let mut offset = 0;
    let mut some = async || {
        for _ in 0..20 {
            offset += 1;
            talk(&nodes, offset).await?;
        }
        Ok::<_, sockeye::Error>(())
    };
    some().await?;
    assert!(kept().await? >= 10);
    block_in_place(|| server.kill());
    some().await?;
    block_in_place(|| server.restart());
    assert_eq!(kept().await?, 0);
    // After a rest they find it again.
    sleep(Duration::from_millis(1100)).await;
    some().await?;
    assert!(kept().await? >= 10);
    block_in_place(|| server.stop());
    some().await?;
    // Of many who come when it is tried again one finds that it hangs, and nobody waits for that one.
    sleep(Duration::from_millis(1100)).await;
    let begin = Instant::now();
    let reads: Vec<_> = (0..100)
        .map(|_| {
            let node = nodes[0].clone();
            spawn(async move { node.read("a", Span::Latest, 10).await })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await??.messages.len(), 10);
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    block_in_place(|| server.cont());
    sleep(Duration::from_millis(1100)).await;
    some().await?;
    assert!(kept().await? >= 10);
    // What is no message of the room's, or of another store.
    let mut connection = client.get_multiplexed_async_connection().await?;
    let forged = [&200_u64.to_be_bytes()[..], &[0; 9], b"forged"].concat();
    for member in [forged, b"garbage".into(), vec![255; 40]] {
        redis::cmd("ZADD").arg("sockeye:recent:a").arg(1e15).arg(member).exec_async(&mut connection).await?;
        some().await?;
    }
    redis::cmd("SET").arg("sockeye:recent:a").arg("not a set").exec_async(&mut connection).await?;
    some().await
}
