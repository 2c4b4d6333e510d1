//! The cache in front of a store: what it spares the store, and that it never gives less than there is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use sockeye::{
    Appended, BoxFuture, Draft, Error, History, MemoryHistory, Offset, Page, RecentHistory, RecentOptions, Result,
    Retention, Span, prelude::Message, time::sleep,
};

use super::append;

/// A store that counts what it is asked, and can be away.
#[derive(Default)]
struct Counted {
    inner: MemoryHistory,
    reads: AtomicUsize,
    heads: AtomicUsize,
    is_away: AtomicBool,
    hangs: AtomicBool,
}

impl Counted {
    async fn answer(&self) -> Result<()> {
        // A store far away.
        sleep(Duration::from_millis(2)).await;
        if self.hangs.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_away.load(SeqCst) { Err(Error::storage("away")) } else { Ok(()) }
    }

    /// Reads and questions for heads since the last call.
    fn asked(&self) -> (usize, usize) {
        (self.reads.swap(0, SeqCst), self.heads.swap(0, SeqCst))
    }
}

impl History for Counted {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            self.answer().await?;
            self.inner.append(room, drafts).await
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move {
            self.reads.fetch_add(1, SeqCst);
            self.answer().await?;
            self.inner.read(room, span, limit).await
        })
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        Box::pin(async move {
            self.heads.fetch_add(1, SeqCst);
            self.answer().await?;
            self.inner.heads(rooms).await
        })
    }

    fn retention(&self) -> Retention {
        self.inner.retention()
    }
}

async fn fill(history: &dyn History, room: &str, count: usize) -> Result<()> {
    append(history, room, vec![Message::text("x"); count]).await.map(drop)
}

fn after(offset: u64) -> Span {
    Span::After(Offset::new(offset))
}

/// First and last offset of a page, and whether there is more.
async fn ends(history: &dyn History, span: Span, limit: usize) -> Result<(u64, u64, bool)> {
    let page = history.read("a", span, limit).await?;
    let at = |message: Option<&sockeye::Stored>| message.map_or(0, |stored| stored.offset.get());
    Ok((at(page.messages.first()), at(page.messages.last()), page.more))
}

#[sockeye::test(start_paused = true)]
async fn the_store_is_asked_for_little() -> Result<()> {
    let store = Arc::new(Counted::default());
    fill(&store.inner, "a", 300).await?;
    let history = RecentHistory::new(store.clone());
    assert_eq!(ends(&history, Span::Latest, 50).await?, (251, 300, true));
    assert_eq!(store.asked(), (1, 0));
    // The same, less, more as far as it is there, and what came after.
    assert_eq!(ends(&history, Span::Latest, 50).await?, (251, 300, true));
    assert_eq!(ends(&history, Span::Latest, 1).await?, (300, 300, true));
    assert_eq!(ends(&history, Span::Latest, 100).await?, (201, 300, true));
    assert_eq!(ends(&history, after(200), 10).await?, (201, 210, true));
    assert_eq!(ends(&history, after(299), 10).await?, (300, 300, false));
    assert_eq!(ends(&history, after(300), 10).await?, (0, 0, false));
    assert_eq!(store.asked(), (0, 6));
    // Beyond what it keeps.
    assert_eq!(ends(&history, after(100), 10).await?, (101, 110, true));
    assert_eq!(ends(&history, Span::Latest, 101).await?, (200, 300, true));
    assert_eq!(ends(&history, Span::Before(Offset::new(300)), 2).await?, (298, 299, true));
    assert_eq!(store.asked().0, 3);
    // What is appended here is there.
    fill(&history, "a", 5).await?;
    assert_eq!(ends(&history, after(300), 10).await?, (301, 305, false));
    assert_eq!(store.asked(), (0, 1));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn of_many_who_come_at_once_one_reads() -> Result<()> {
    let store = Arc::new(Counted::default());
    fill(&store.inner, "a", 300).await?;
    let history = RecentHistory::new(store.clone());
    // First nothing is there, then all of it is.
    for expected in [1, 0] {
        let readers = (0..1000).map(|_| ends(&history, Span::Latest, 50));
        for got in join_all(readers).await {
            assert_eq!(got?, (251, 300, true));
        }
        // Who comes while the store answers one question goes with the next.
        let (reads, heads) = store.asked();
        assert!(reads == expected && heads <= 2, "{reads} reads, {heads} questions");
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn what_others_write_is_seen() -> Result<()> {
    let store = Arc::new(Counted::default());
    let history = RecentHistory::with(store.clone(), RecentOptions::new().messages(10));
    fill(&history, "a", 5).await?;
    assert_eq!(ends(&history, Span::Latest, 10).await?, (1, 5, false));
    for last in 6..30 {
        fill(&store.inner, "a", 1).await?;
        assert_eq!(ends(&history, after(last - 2), 10).await?, (last - 1, last, false));
        assert_eq!(ends(&history, Span::Latest, 2).await?, (last - 1, last, true));
    }
    // Some of theirs and some of ours.
    fill(&store.inner, "a", 3).await?;
    fill(&history, "a", 2).await?;
    assert_eq!(ends(&history, after(28), 10).await?, (29, 34, false));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn the_only_writer_does_not_ask() -> Result<()> {
    let store = Arc::new(Counted::default());
    let history = RecentHistory::with(store.clone(), RecentOptions::new().only_writer());
    fill(&history, "a", 5).await?;
    assert_eq!(ends(&history, after(2), 10).await?, (3, 5, false));
    assert_eq!(ends(&history, Span::Latest, 10).await?, (1, 5, false));
    assert_eq!(store.asked(), (0, 0));
    // What has failed may be there all the same: it asks until a minute after things work again.
    store.is_away.store(true, SeqCst);
    assert!(fill(&history, "a", 1).await.is_err());
    store.is_away.store(false, SeqCst);
    fill(&store.inner, "a", 1).await?;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(ends(&history, after(2), 10).await?, (3, 6, false));
    fill(&history, "b", 1).await?;
    sleep(Duration::from_secs(59)).await;
    store.asked();
    assert_eq!((ends(&history, after(2), 10).await?, store.asked()), ((3, 6, false), (0, 1)));
    sleep(Duration::from_secs(2)).await;
    assert_eq!((ends(&history, after(2), 10).await?, store.asked()), ((3, 6, false), (0, 0)));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn reading_goes_on_while_the_store_is_away() -> Result<()> {
    let store = Arc::new(Counted::default());
    let history = RecentHistory::new(store.clone());
    fill(&history, "a", 150).await?;
    store.is_away.store(true, SeqCst);
    assert_eq!(ends(&history, Span::Latest, 10).await?, (141, 150, true));
    // Older ones there may be: it can't say.
    assert_eq!(ends(&history, Span::Latest, 1000).await?, (51, 150, true));
    for span in [after(140), Span::Before(Offset::new(140))] {
        assert_eq!(history.read("a", span, 10).await.unwrap_err().to_string(), "away");
    }
    assert_eq!(history.read("b", Span::Latest, 10).await.unwrap_err().to_string(), "away");
    assert!(fill(&history, "a", 1).await.is_err() && history.check().await.is_err());
    // One that hangs, as well.
    store.hangs.store(true, SeqCst);
    let begin = tokio::time::Instant::now();
    assert_eq!(ends(&history, Span::Latest, 10).await?, (141, 150, true));
    assert!(begin.elapsed() <= Duration::from_secs(2));
    store.hangs.store(false, SeqCst);
    store.is_away.store(false, SeqCst);
    fill(&store.inner, "a", 1).await?;
    assert_eq!(ends(&history, Span::Latest, 10).await?, (142, 151, true));
    Ok(())
}
