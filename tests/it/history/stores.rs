//! What every store does: the conformance suite.

use std::{sync::Arc, time::Duration};

use sockeye::{Error, History, Offset, Page, Result, Retention, Span, Stored, prelude::Message};

use super::{Store, append};

super::with_each_store!(
    offsets_have_no_gap,
    a_message_comes_back_as_it_was,
    pages_go_both_ways,
    any_limit_and_any_offset_will_do,
    pages_are_bounded_in_bytes,
    names_are_data,
    the_oldest_go_by_count,
    the_oldest_go_by_age,
    many_at_once_share_one_order,
    two_stores_share_one_order,
    an_unknown_room_is_empty,
    time_does_not_go_back,
);

pub(super) async fn add(store: &dyn History, room: &str, texts: std::ops::Range<u64>) -> Result<Vec<Stored>> {
    append(store, room, texts.map(|number| Message::text(number.to_string())).collect()).await
}

pub(super) fn offsets(messages: &[Stored]) -> Vec<u64> {
    messages.iter().map(|stored| stored.offset.get()).collect()
}

pub(super) fn texts(page: &Page) -> Vec<&str> {
    page.messages.iter().map(|stored| &**stored.message.as_text().unwrap()).collect()
}

async fn offsets_have_no_gap(store: Store) -> Result<()> {
    let store = store.open_all();
    assert_eq!(offsets(&add(&*store, "a", 0..3).await?), [1, 2, 3]);
    assert_eq!(offsets(&add(&*store, "b", 0..1).await?), [1]);
    assert!(add(&*store, "a", 0..0).await?.is_empty());
    assert_eq!(offsets(&add(&*store, "a", 3..5).await?), [4, 5]);
    let page = store.read("a", Span::After(Offset::START), 10).await?;
    assert_eq!((texts(&page), page.more), (vec!["0", "1", "2", "3", "4"], false));
    assert_eq!((page.first, page.last), (Offset::new(1), Offset::new(5)));
    Ok(())
}

async fn a_message_comes_back_as_it_was(store: Store) -> Result<()> {
    let store = store.open_all();
    let messages = vec![
        Message::text(""),
        Message::binary(vec![]),
        Message::text("a'; DROP TABLE sockeye_room; --\0\r\n\u{202e}🐟"),
        Message::binary((0..=255).collect::<Vec<u8>>()),
        Message::binary("text"),
        Message::text("x".repeat(3 << 20)),
    ];
    let stored = append(&*store, "a", messages.clone()).await?;
    assert_eq!(stored.iter().map(|stored| &stored.message).collect::<Vec<_>>(), messages.iter().collect::<Vec<_>>());
    let mut read = Vec::new();
    while read.len() < stored.len() {
        read.extend(store.read("a", Span::After(Offset::new(read.len() as u64)), 10).await?.messages);
    }
    // Their times too.
    assert_eq!(read, stored);
    Ok(())
}

async fn pages_go_both_ways(store: Store) -> Result<()> {
    let store = store.open_all();
    add(&*store, "a", 1..11).await?;
    let (mut span, mut seen) = (Span::After(Offset::START), Vec::new());
    loop {
        let page = store.read("a", span, 4).await?;
        seen.push(offsets(&page.messages));
        span = page.next(span);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, [vec![1, 2, 3, 4], vec![5, 6, 7, 8], vec![9, 10]]);
    let (mut span, mut seen) = (Span::Latest, Vec::new());
    loop {
        let page = store.read("a", span, 5).await?;
        seen.push(offsets(&page.messages));
        span = page.next(span);
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, [vec![6, 7, 8, 9, 10], vec![1, 2, 3, 4, 5]]);
    Ok(())
}

async fn any_limit_and_any_offset_will_do(store: Store) -> Result<()> {
    let store = store.open_all();
    add(&*store, "a", 1..4).await?;
    let large = [1 << 53, 1 << 63, u64::MAX];
    for span in large.map(|offset| Span::After(Offset::new(offset))) {
        let page = store.read("a", span, 10).await?;
        assert_eq!((offsets(&page.messages), page.more, page.last), (vec![], false, Offset::new(3)));
    }
    for span in large.map(|offset| Span::Before(Offset::new(offset))) {
        assert_eq!(offsets(&store.read("a", span, 2).await?.messages), [2, 3]);
    }
    for before in [0, 1] {
        let page = store.read("a", Span::Before(Offset::new(before)), 10).await?;
        assert_eq!((offsets(&page.messages), page.more), (vec![], false));
    }
    for span in [Span::After(Offset::START), Span::Latest] {
        assert_eq!(store.read("a", span, 0).await?.messages.len(), 1);
        assert_eq!(store.read("a", span, usize::MAX).await?.messages.len(), 3);
    }
    add(&*store, "b", 0..2000).await?;
    for span in [Span::After(Offset::START), Span::Latest] {
        let page = store.read("b", span, usize::MAX).await?;
        assert_eq!((page.messages.len(), page.more), (1000, true));
    }
    Ok(())
}

async fn pages_are_bounded_in_bytes(store: Store) -> Result<()> {
    let store = store.open_all();
    for _ in 0..5 {
        append(&*store, "a", vec![Message::text("x".repeat(200 << 10))]).await?;
    }
    let page = store.read("a", Span::After(Offset::START), 10).await?;
    assert_eq!((offsets(&page.messages), page.more), (vec![1, 2], true));
    let page = store.read("a", Span::Latest, 10).await?;
    assert_eq!((offsets(&page.messages), page.more), (vec![4, 5], true));
    Ok(())
}

/// Nothing in a name has a meaning.
async fn names_are_data(store: Store) -> Result<()> {
    let store = store.open_all();
    let emoji = "🐟".repeat(256);
    let names = [
        "",
        " ",
        "a",
        "A",
        "a ",
        "a\n",
        "a\0",
        "*",
        "%",
        "_",
        "{}",
        "{a}",
        "a.b",
        "a.*",
        "a.>",
        "'",
        "''",
        "\"",
        "\\",
        "ä",
        "a\u{308}",
        "NULL",
        "1",
        "1.0",
        "x'61'",
        "../a",
        "🐟",
        "\u{202e}a",
        "\u{200f}",
        "\r\n",
        "a;b",
        "$1",
        "\\x61",
        &emoji,
    ];
    for (number, name) in (1..).zip(names) {
        append(&*store, name, vec![Message::text(name); number]).await?;
    }
    for (number, name) in (1..).zip(names) {
        let page = store.read(name, Span::After(Offset::START), 100).await?;
        assert_eq!((page.messages.len(), page.last), (number, Offset::new(number as u64)), "{name:?}");
        assert!(texts(&page).iter().all(|text| *text == name), "{name:?}");
    }
    Ok(())
}

async fn the_oldest_go_by_count(store: Store) -> Result<()> {
    let store = store.open(Retention::all().count(3));
    add(&*store, "a", 1..11).await?;
    let page = store.read("a", Span::After(Offset::new(5)), 10).await?;
    assert_eq!((texts(&page), page.first, page.last), (vec!["8", "9", "10"], Offset::new(8), Offset::new(10)));
    assert!(!page.recovers(Offset::new(6)) && page.recovers(Offset::new(7)) && page.recovers(Offset::new(10)));
    // One that the room has never given out.
    assert!(!page.recovers(Offset::new(11)));
    let page = store.read("a", Span::Before(Offset::new(10)), 10).await?;
    assert_eq!((texts(&page), page.more), (vec!["8", "9"], false));
    // One message at a time, too.
    for number in 11..14 {
        add(&*store, "a", number..number + 1).await?;
    }
    let page = store.read("a", Span::Latest, 10).await?;
    assert_eq!((texts(&page), page.more), (vec!["11", "12", "13"], false));
    Ok(())
}

async fn the_oldest_go_by_age(store: Store) -> Result<()> {
    let age = Duration::from_millis(100);
    let store = store.open(Retention::all().age(age));
    let first = add(&*store, "a", 1..3).await?;
    let read = |store: Arc<dyn History>| async move { store.read("a", Span::After(Offset::START), 10).await };
    while first[0].at.elapsed()? <= age {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let page = read(store.clone()).await?;
    assert_eq!((texts(&page), page.first, page.last), (vec![], Offset::new(3), Offset::new(2)));
    assert!(!page.recovers(Offset::new(1)) && page.recovers(Offset::new(2)));
    // Offsets go on. What is young is kept, unless the machine was that slow.
    let second = add(&*store, "a", 3..4).await?;
    assert_eq!(offsets(&second), [3]);
    let page = read(store.clone()).await?;
    assert!(texts(&page) == ["3"] || second[0].at.elapsed()? >= age);
    assert_eq!(page.last, Offset::new(3));
    Ok(())
}

async fn many_at_once_share_one_order(store: Store) -> Result<()> {
    const EACH: u64 = 50;
    let store = store.open_all();
    let tasks: Vec<_> = (0..16)
        .map(|task: u64| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut got = Vec::new();
                for number in 0..EACH {
                    let text = format!("{task}/{number}");
                    let room = if task % 2 == 0 { "even" } else { "odd" };
                    let stored = append(&*store, room, vec![Message::text(&*text)]).await.unwrap();
                    got.push((stored[0].offset, text));
                }
                got
            })
        })
        .collect();
    let mut rooms = [Vec::new(), Vec::new()];
    for (task, got) in tasks.into_iter().enumerate() {
        rooms[task % 2].extend(got.await?);
    }
    for (room, mut acknowledged) in ["even", "odd"].into_iter().zip(rooms) {
        acknowledged.sort();
        let page = store.read(room, Span::After(Offset::START), 1000).await?;
        let stored: Vec<_> =
            page.messages.iter().map(|s| (s.offset, s.message.as_text().unwrap().to_string())).collect();
        assert_eq!(stored, acknowledged);
        assert_eq!(offsets(&page.messages), (1..=8 * EACH).collect::<Vec<_>>());
    }
    Ok(())
}

/// As two nodes would write: each answer is in the store just where it says, and who reads meanwhile finds no gap.
async fn two_stores_share_one_order(store: Store) -> Result<()> {
    const BATCHES: usize = 40;
    let stores = store.open_two();
    let write = |task: usize| {
        let store = stores[task % 2].clone();
        tokio::spawn(async move {
            let mut got = Vec::new();
            for batch in 0..BATCHES {
                let texts = (0..1 + batch % 3).map(|number| Message::text(format!("{task}/{batch}/{number}")));
                got.extend(append(&*store, "a", texts.collect()).await?);
            }
            Ok::<_, Error>(got)
        })
    };
    let writers: Vec<_> = (0..4).map(write).collect();
    let mut seen = 0;
    while seen < 4 * 79 {
        let head = stores[1].heads(&["a".into()]).await?[0].get();
        let page = stores[0].read("a", Span::After(Offset::new(seen)), 1000).await?;
        let end = seen + page.messages.len() as u64;
        assert_eq!(offsets(&page.messages), (seen + 1..=end).collect::<Vec<_>>());
        assert!(page.last.get() == end && end >= head, "{end} of {head}");
        seen = end;
    }
    let mut acknowledged = Vec::new();
    for writer in writers {
        let got = writer.await??;
        assert!(got.is_sorted_by_key(|stored| stored.offset));
        acknowledged.extend(got);
    }
    acknowledged.sort_by_key(|stored| stored.offset);
    assert_eq!(stores[1].read("a", Span::After(Offset::START), 1000).await?.messages, acknowledged);
    Ok(())
}

async fn an_unknown_room_is_empty(store: Store) -> Result<()> {
    let store = store.open_all();
    for span in [Span::After(Offset::START), Span::Before(Offset::new(9)), Span::Latest] {
        let page = store.read("nobody was here", span, 10).await?;
        assert_eq!((page.messages.len(), page.more), (0, false));
        assert_eq!((page.first, page.last), (Offset::new(1), Offset::START));
    }
    assert!(store.read("a", Span::Latest, 1).await?.recovers(Offset::START));
    Ok(())
}

async fn time_does_not_go_back(store: Store) -> Result<()> {
    let before = std::time::SystemTime::now() - Duration::from_millis(1);
    let store = store.open_all();
    for number in 0..20 {
        add(&*store, "a", number..number + 2).await?;
    }
    let page = store.read("a", Span::Latest, 1000).await?;
    assert!(page.messages.is_sorted_by_key(|stored| stored.at));
    let (first, last) = (page.messages[0].at, page.messages[39].at);
    assert!(before <= first && last <= std::time::SystemTime::now());
    Ok(())
}
