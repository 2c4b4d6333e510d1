//! What every store does beside messages: keys, heads, cursors.

use std::{sync::Arc, time::Duration};

use sockeye::{Appended, Draft, Error, Offset, Result, Retention, Span, prelude::Message};

use super::{
    Store,
    stores::{add, offsets, texts},
};

super::with_each_store!(
    a_key_is_stored_once,
    two_stores_store_a_key_once,
    a_key_goes_with_its_message,
    a_key_is_data,
    heads_are_the_last_offsets,
    cursors_only_go_forward,
    cursors_are_the_rooms,
    a_store_that_works_says_so,
);

fn keyed(text: &str, key: &str) -> Draft {
    Draft::new(Message::text(text)).key(key)
}

/// Text, offset and whether it is new.
fn outcome(appended: &[Appended]) -> Vec<(&str, u64, bool)> {
    let each = |appended: &Appended| (appended.stored.offset.get(), appended.is_new);
    let texts = appended.iter().map(|appended| &**appended.stored.message.as_text().unwrap());
    texts.zip(appended.iter().map(each)).map(|(text, (offset, is_new))| (text, offset, is_new)).collect()
}

async fn a_key_is_stored_once(store: Store) -> Result<()> {
    let store = store.open_all();
    let first = store.append("a", vec![keyed("one", "k1"), Draft::new(Message::text("two"))]).await?;
    assert_eq!(outcome(&first), [("one", 1, true), ("two", 2, true)]);
    let again = store.append("a", vec![keyed("another", "k1")]).await?;
    assert_eq!(outcome(&again), [("one", 1, false)]);
    assert_eq!(again[0].stored, first[0].stored);
    // Twice in one call, among others.
    let mixed = ["k2", "k1", "k2", "k3"].map(|key| keyed(key, key));
    let mixed = store.append("a", mixed.into()).await?;
    assert_eq!(outcome(&mixed), [("k2", 3, true), ("one", 1, false), ("k2", 3, false), ("k3", 4, true)]);
    let page = store.read("a", Span::After(Offset::START), 10).await?;
    assert_eq!((texts(&page), page.last), (vec!["one", "two", "k2", "k3"], Offset::new(4)));
    // Another room has its own.
    assert_eq!(outcome(&store.append("b", vec![keyed("one", "k1")]).await?), [("one", 1, true)]);
    Ok(())
}

async fn two_stores_store_a_key_once(store: Store) -> Result<()> {
    let stores = store.open_two();
    let write = |task: usize| {
        let store = stores[task % 2].clone();
        tokio::spawn(async move {
            let mut got = Vec::new();
            for batch in 0..20 {
                // Each key comes from all tasks, among others and in other batches.
                let keys = (0..5).map(|number| format!("key {}", (batch * 5 + number + task * 7) % 100));
                let drafts = keys.map(|key| keyed(&format!("{key} of {task}"), &key)).collect();
                got.extend(store.append("a", drafts).await?);
            }
            Ok::<_, Error>(got)
        })
    };
    let (mut new, mut answers) = (0, Vec::new());
    for writer in (0..4).map(write).collect::<Vec<_>>() {
        let got = writer.await??;
        new += got.iter().filter(|appended| appended.is_new).count();
        answers.extend(got.into_iter().map(|appended| appended.stored));
    }
    let kept = stores[0].read("a", Span::After(Offset::START), 1000).await?.messages;
    assert_eq!((new, offsets(&kept)), (100, (1..=100).collect()));
    assert_eq!(answers.len(), 400);
    assert!(answers.iter().all(|stored| kept[stored.offset.get() as usize - 1] == *stored));
    Ok(())
}

async fn a_key_goes_with_its_message(store: Store) -> Result<()> {
    let by_count = store.open(Retention::all().count(2));
    by_count.append("a", vec![keyed("one", "k1"), keyed("two", "k2")]).await?;
    assert_eq!(outcome(&by_count.append("a", vec![keyed("x", "k1")]).await?), [("one", 1, false)]);
    add(&*by_count, "a", 3..4).await?;
    let again = by_count.append("a", vec![keyed("again", "k1"), keyed("x", "k2")]).await?;
    assert_eq!(outcome(&again), [("again", 4, true), ("two", 2, false)]);
    let none = store.open(Retention::all().age(Duration::ZERO));
    for offset in 1..4 {
        assert_eq!(outcome(&none.append("b", vec![keyed("text", "k")]).await?), [("text", offset, true)]);
    }
    Ok(())
}

async fn a_key_is_data(store: Store) -> Result<()> {
    let store = store.open_all();
    let longest = "🐟".repeat(32);
    let keys =
        [" ", "a", "A", "a ", "a\0", "\0", "%", "'", "NULL", "\u{202e}", "ä", "a\u{308}", "{}", "*", "\r\n", &longest];
    for _ in 0..2 {
        for (offset, key) in (1..).zip(keys) {
            let appended = store.append("a", vec![keyed(key, key)]).await?;
            assert_eq!(
                (appended[0].stored.offset.get(), appended[0].stored.message.as_text()),
                (offset, Some(&key.into()))
            );
        }
    }
    Ok(())
}

async fn heads_are_the_last_offsets(store: Store) -> Result<()> {
    let store = store.open(Retention::all().count(1));
    add(&*store, "a", 0..3).await?;
    add(&*store, "a\0'", 0..1).await?;
    let rooms: Vec<Arc<str>> = ["a\0'", "nobody", "a", "", "a"].map(Arc::from).into();
    assert_eq!(store.heads(&rooms).await?, [1, 0, 3, 0, 3].map(Offset::new));
    assert_eq!(store.heads(&[]).await?, []);
    let many: Vec<Arc<str>> = (0..2000).map(|number| format!("room {number}").into()).collect();
    add(&*store, &many[1999], 0..2).await?;
    let heads = store.heads(&many).await?;
    assert_eq!((heads.len(), heads[1999], heads[0]), (2000, Offset::new(2), Offset::START));
    Ok(())
}

async fn cursors_only_go_forward(store: Store) -> Result<()> {
    let store = store.open_all();
    let mark = async |user: &str, offset| {
        let cursor = store.mark_read("a", user, Offset::new(offset)).await?;
        Ok::<_, Error>((cursor.offset.get(), cursor.advanced))
    };
    assert_eq!((mark("ann", 1).await?, store.cursors("a").await?), ((0, false), vec![]));
    add(&*store, "a", 0..5).await?;
    assert_eq!((mark("ann", 0).await?, store.cursors("a").await?), ((0, false), vec![]));
    let steps = [
        (2, (2, true)),
        (2, (2, false)),
        (1, (2, false)),
        (0, (2, false)),
        (u64::MAX, (5, true)),
        (1 << 63, (5, false)),
    ];
    for (to, expected) in steps {
        assert_eq!(mark("ann", to).await?, expected, "to {to}");
    }
    add(&*store, "a", 5..6).await?;
    assert_eq!(mark("ann", 7).await?, (6, true));
    // From all sides at once: exactly one gets it there.
    add(&*store, "a", 6..100).await?;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.mark_read("a", "bob", Offset::new(99)).await.unwrap() })
        })
        .collect();
    let mut advanced = 0;
    for task in tasks {
        let cursor = task.await?;
        assert_eq!(cursor.offset, Offset::new(99));
        advanced += u32::from(cursor.advanced);
    }
    assert_eq!(advanced, 1);
    Ok(())
}

async fn cursors_are_the_rooms(store: Store) -> Result<()> {
    let store = store.open(Retention::all().count(1));
    let emoji = "🐟".repeat(256);
    let users = ["", " ", "a", "A", "a\0", "a\n", "*", "{}", "'", "\u{202e}", "ä", &emoji];
    add(&*store, "a", 0..100).await?;
    add(&*store, "b", 0..1).await?;
    for (offset, user) in (1..).zip(users) {
        assert!(store.mark_read("a", user, Offset::new(offset)).await?.advanced);
    }
    let expected: Vec<_> = (1..).map(Offset::new).zip(users).map(|(offset, user)| (user.to_owned(), offset)).collect();
    assert_eq!(store.cursors("a").await?, expected.into_iter().rev().collect::<Vec<_>>());
    assert_eq!((store.cursors("b").await?, store.cursors("nobody").await?), (vec![], vec![]));
    // Those who are equally far by name.
    for user in ["b", "a"] {
        store.mark_read("b", user, Offset::new(1)).await?;
    }
    assert_eq!(store.cursors("b").await?, ["a", "b"].map(|user| (user.to_owned(), Offset::new(1))));
    Ok(())
}

async fn a_store_that_works_says_so(store: Store) -> Result<()> {
    let store = store.open_all();
    for _ in 0..2 {
        store.check().await?;
    }
    // It has left nothing.
    assert_eq!(store.read("", Span::Latest, 1).await?.last, Offset::START);
    Ok(())
}
