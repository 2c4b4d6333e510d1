//! Stored messages on several nodes: each member gets exactly what is stored.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use sockeye::{
    Appended, BoxFuture, Broker, Bytes, Draft, History, LocalBroker, MemoryHistory, Offset, Page, Retention,
    RoomOptions, Span, TestSocket, broker::Channel, prelude::*,
};
use tokio::time::Instant;

use super::{Node, app, node_of, pass, patient};
use crate::history::{events, since};

fn numbered(history: &Arc<impl History>) -> App {
    app().rooms(RoomOptions::new().render(|stored| stored.offset)).history(history.clone()).route(since).route(events)
}

fn nodes<const N: usize>(history: &Arc<impl History>) -> [Node; N] {
    let broker = LocalBroker::new();
    [(); N].map(|()| node_of(&broker, numbered(history)))
}

fn store() -> Arc<MemoryHistory> {
    Arc::new(MemoryHistory::with(Retention::all()))
}

async fn hears(ws: &mut TestSocket, offsets: impl IntoIterator<Item = u64>) {
    for offset in offsets {
        assert_eq!(ws.receive_json::<u64>().await.expect("a message"), offset);
    }
}

/// Reads from an offset on until the last, by as many connections as it takes. Each is to a node that `pick` picks.
async fn follow(nodes: &[Node], mut last: u64, end: u64, mut pick: impl FnMut() -> u64) -> u64 {
    let mut resumed = 0;
    while last < end {
        let node = &nodes[pick() as usize % nodes.len()];
        let Ok(mut ws) = node.client.websocket_connect(&format!("/since/a?since={last}")).await else { continue };
        resumed += 1;
        let until = last + 1 + pick() % 2000;
        while last < end.min(until) {
            // Who is too slow is closed, and comes back.
            let Ok(value) = ws.receive_json::<Value>().await else { break };
            match value.as_u64() {
                Some(offset) => {
                    assert_eq!(offset, last + 1, "a gap, or a duplicate");
                    last = offset;
                }
                None => assert_eq!(value, json!({ "recovered": true })),
            }
        }
    }
    resumed
}

fn dice(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    }
}

/// Three nodes publish as fast as they can; messages are lost, doubled and overtaken, connections are cut and stand still.
#[sockeye::test(flavor = "multi_thread")]
async fn exactly_the_stored_sequence_whatever_the_broker_does() -> Result<()> {
    const EACH: u64 = 1500;
    let store = store();
    let nodes: Arc<[Node; 3]> = Arc::new(nodes(&store));
    nodes.iter().for_each(|node| node.broker.shake(50));
    let total = 6 * EACH;
    let publishes = |at: usize| {
        let room = nodes[at % 3].hub.room("a");
        tokio::spawn(async move {
            for number in 0..EACH {
                room.publish(&number).await.unwrap();
                if number % 10 == 0 {
                    pass(Duration::from_millis(2)).await;
                }
            }
        })
    };
    let publishers: Vec<_> = (0..6).map(publishes).collect();
    let is_over = Arc::new(AtomicBool::new(false));
    let chaos = {
        let (nodes, is_over, mut dice) = (nodes.clone(), is_over.clone(), dice(77));
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let broker = &nodes[dice() as usize % 3].broker;
                if dice() % 4 == 0 {
                    broker.freeze()
                } else {
                    broker.cut()
                }
                pass(Duration::from_millis(dice() % 80)).await;
                broker.mend();
                pass(Duration::from_millis(dice() % 40)).await;
            }
        })
    };
    let readers: Vec<_> = (0..12)
        .map(|number| {
            let nodes = nodes.clone();
            tokio::spawn(async move { follow(&*nodes, 0, total, dice(1000 + number)).await })
        })
        .collect();
    for task in publishers {
        task.await?;
    }
    is_over.store(true, Ordering::Relaxed);
    chaos.await?;
    let mut resumed = 0;
    for reader in readers {
        resumed += reader.await?;
    }
    assert!(resumed >= 12);
    assert_eq!(store.read("a", Span::Latest, 1).await?.last, Offset::new(total));
    Ok(())
}

/// Members who just joined, and streams of events, under the same.
#[sockeye::test(flavor = "multi_thread")]
async fn plain_members_and_streams_get_it_too() -> Result<()> {
    const EACH: u64 = 300;
    let store = store();
    let nodes: [Node; 3] = nodes(&store);
    nodes.iter().for_each(|node| node.broker.shake(50));
    let mut members = Vec::new();
    let mut streams = Vec::new();
    for node in &nodes {
        members.push(node.socket("/rooms/a").await);
        streams.push(node.client.get("/events/a").header("last-event-id", "0").events().await?);
    }
    let publishes = |at: usize| {
        let room = nodes[at % 3].hub.room("a");
        tokio::spawn(async move {
            for number in 0..EACH {
                room.publish(&number).await.unwrap();
                pass(Duration::from_millis(1)).await;
            }
        })
    };
    let publishers: Vec<_> = (0..3).map(publishes).collect();
    let members = members.into_iter().map(|mut ws| tokio::spawn(async move { hears(&mut ws, 1..=3 * EACH).await }));
    let streams = streams.into_iter().map(|mut events| {
        tokio::spawn(async move {
            for offset in 1..=3 * EACH {
                assert_eq!(events.next().await.expect("an event").id, offset.to_string());
            }
        })
    });
    let tasks: Vec<_> = members.chain(streams).chain(publishers).collect();
    nodes[1].broker.cut();
    pass(Duration::from_millis(100)).await;
    nodes[1].broker.mend();
    for task in tasks {
        task.await?;
    }
    Ok(())
}

/// What nobody tells of is found in the store: with the last envelope lost, and without any broker.
#[sockeye::test(start_paused = true)]
async fn what_nobody_tells_of_is_found_within_five_seconds() -> Result<()> {
    let shared = store();
    let [one, two] = nodes(&shared);
    let mut member = two.socket("/rooms/a").await;
    one.hub.room("a").publish(&1).await?;
    let start = Instant::now();
    hears(&mut member, [1]).await;
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    one.broker.shake(1000);
    one.hub.room("a").publish(&2).await?;
    hears(&mut member, [2]).await;
    let took = start.elapsed();
    assert!(took > Duration::from_millis(100) && took < Duration::from_millis(5100), "{took:?}");
    // Two servers that share nothing but the store.
    let alone = [(); 2].map(|()| patient(numbered(&shared)));
    let hub = numbered(&shared).hub();
    let mut members =
        [alone[0].websocket_connect("/rooms/a").await?, alone[1].websocket_connect("/since/a?since=1").await?];
    members[0].receive_text().await?;
    hears(&mut members[1], [2]).await;
    members[1].receive_text().await?;
    for number in 3..10 {
        hub.room("a").publish(&number).await?;
        let start = Instant::now();
        for member in &mut members {
            hears(member, [number]).await;
        }
        assert!(start.elapsed() < Duration::from_millis(5100));
    }
    Ok(())
}

/// Whoever was away looks into the store as soon as the broker is back, and not only when it is time.
#[sockeye::test(start_paused = true)]
async fn what_was_missed_is_there_when_the_broker_is() -> Result<()> {
    let store = store();
    let [one, two] = nodes(&store);
    let mut member = two.socket("/rooms/a").await;
    let mut took = Duration::ZERO;
    for number in 1..=10 {
        pass(Duration::from_millis(700)).await;
        two.broker.cut();
        one.hub.room("a").publish(&number).await?;
        let start = Instant::now();
        two.broker.mend();
        hears(&mut member, [number]).await;
        took += start.elapsed();
    }
    assert!(took < Duration::from_secs(5), "{took:?}");
    Ok(())
}

/// Who joins gets what is stored from then on, and nothing from before, on a node that has not served the room.
#[sockeye::test(start_paused = true)]
async fn who_joins_gets_nothing_from_before() -> Result<()> {
    let store = store();
    let [one, two] = nodes(&store);
    let _member = one.socket("/rooms/a").await;
    let room = one.hub.room("a");
    for number in 0..10 {
        room.publish(&number).await?;
    }
    let mut plain = two.socket("/rooms/a").await;
    let mut resumed = two.client.websocket_connect("/since/a?since=7").await?;
    hears(&mut resumed, 8..=10).await;
    resumed.receive_text().await?;
    room.publish(&10).await?;
    hears(&mut plain, [11]).await;
    hears(&mut resumed, [11]).await;
    // Nobody is left, much is stored, somebody comes.
    drop((plain, resumed));
    pass(Duration::from_secs(20)).await;
    for number in 0..10 {
        room.publish(&number).await?;
    }
    let mut plain = two.socket("/rooms/a").await;
    room.publish(&"last").await?;
    hears(&mut plain, [22]).await;
    plain.expect_silence(Duration::from_secs(20)).await
}

/// The same key, asked for on two nodes: one message.
#[sockeye::test(start_paused = true)]
async fn a_key_counts_on_all_nodes() -> Result<()> {
    let store = store();
    let [one, two] = nodes(&store);
    let mut members = [one.socket("/rooms/a").await, two.socket("/rooms/a").await];
    assert!(one.hub.room("a").publish_keyed("k", "x").await?.is_new);
    assert!(!two.hub.room("a").publish_keyed("k", "x").await?.is_new);
    two.hub.room("a").publish("y").await?;
    for member in &mut members {
        hears(member, [1, 2]).await;
        member.expect_silence(Duration::from_secs(10)).await?;
    }
    Ok(())
}

/// What is too long for an envelope is told by its offset.
#[sockeye::test(start_paused = true)]
async fn a_giant_is_read_from_the_store() -> Result<()> {
    let store = store();
    let [one, two] = nodes(&store);
    let (mut here, mut there) = (one.socket("/rooms/a").await, two.socket("/rooms/a").await);
    let giant = "x".repeat(5 * 1024 * 1024);
    let start = Instant::now();
    one.hub.room("a").publish(&giant).await?;
    hears(&mut here, [1]).await;
    hears(&mut there, [1]).await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    // What is not stored stays where it is, and counts as lost for the others.
    one.hub.room("a").broadcast_text("y".repeat(5 * 1024 * 1024)).await?;
    pass(Duration::from_secs(1)).await;
    assert_eq!(one.hub.health().await.broker.map(|broker| broker.dropped), Some(1));
    assert!(here.receive_text().await?.starts_with('y'));
    there.expect_silence(Duration::from_secs(1)).await
}

/// A store that can be made to fail.
struct Moody {
    inner: Arc<MemoryHistory>,
    fails: AtomicBool,
    heads: AtomicU64,
}

impl Moody {
    fn say<T>(&self, value: Result<T>) -> Result<T> {
        if self.fails.load(Ordering::SeqCst) { Err(Error::storage("not in the mood")) } else { value }
    }
}

impl History for Moody {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        Box::pin(async move {
            self.say(Ok(()))?;
            self.inner.append(room, drafts).await
        })
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        Box::pin(async move { self.say(self.inner.read(room, span, limit).await) })
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        self.heads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { self.say(self.inner.heads(rooms).await) })
    }
}

/// A gap that can't be filled now is filled later, and nothing overtakes it.
#[sockeye::test(start_paused = true)]
async fn a_store_that_is_away_makes_late_and_not_wrong() -> Result<()> {
    let inner = store();
    let moody = Arc::new(Moody { inner: inner.clone(), fails: AtomicBool::new(false), heads: AtomicU64::new(0) });
    let broker = LocalBroker::new();
    let (one, two) = (node_of(&broker, numbered(&inner)), node_of(&broker, numbered(&moody)));
    let mut member = two.socket("/rooms/a").await;
    let room = one.hub.room("a");
    room.publish(&1).await?;
    hears(&mut member, [1]).await;
    moody.fails.store(true, Ordering::SeqCst);
    assert!(!two.hub.health().await.is_ready());
    one.broker.shake(1000);
    room.publish(&2).await?;
    pass(Duration::from_millis(10)).await;
    one.broker.shake(0);
    room.publish(&3).await?;
    room.publish(&4).await?;
    member.expect_silence(Duration::from_secs(30)).await?;
    moody.fails.store(false, Ordering::SeqCst);
    let start = Instant::now();
    hears(&mut member, [2, 3, 4]).await;
    assert!(start.elapsed() < Duration::from_millis(5100));
    // Whoever joins while it is away gets what comes as well as it can be.
    moody.fails.store(true, Ordering::SeqCst);
    let mut late = two.socket("/rooms/b").await;
    one.hub.room("b").publish(&1).await?;
    hears(&mut late, [1]).await;
    assert!(!two.is_ready().await);
    Ok(())
}

/// A store that needs longer to say its last offsets than anybody waits.
struct Slow(Arc<MemoryHistory>);

impl History for Slow {
    fn append<'a>(&'a self, room: &'a str, drafts: Vec<Draft>) -> BoxFuture<'a, Result<Vec<Appended>>> {
        self.0.append(room, drafts)
    }

    fn read<'a>(&'a self, room: &'a str, span: Span, limit: usize) -> BoxFuture<'a, Result<Page>> {
        self.0.read(room, span, limit)
    }

    fn heads<'a>(&'a self, rooms: &'a [Arc<str>]) -> BoxFuture<'a, Result<Vec<Offset>>> {
        Box::pin(async move {
            pass(Duration::from_secs(3)).await;
            self.0.heads(rooms).await
        })
    }
}

#[sockeye::test(start_paused = true)]
async fn a_slow_store_takes_nothing_from_those_who_have_joined() -> Result<()> {
    let inner = store();
    let broker = LocalBroker::new();
    let (one, two) = (node_of(&broker, numbered(&inner)), node_of(&broker, numbered(&Arc::new(Slow(inner.clone())))));
    let mut resumed = two.socket("/since/a?since=0").await;
    let mut plain = two.socket("/rooms/b").await;
    for room in ["a", "b"] {
        one.hub.room(room).publish(&1).await?;
        one.hub.room(room).publish(&2).await?;
    }
    hears(&mut resumed, [1, 2]).await;
    hears(&mut plain, [1, 2]).await;
    // Its first messages are lost on the way: who has resumed misses them, and gets them.
    let mut resumed = two.socket("/since/c?since=0").await;
    one.broker.shake(1000);
    one.hub.room("c").publish(&1).await?;
    pass(Duration::from_millis(10)).await;
    one.broker.shake(0);
    one.hub.room("c").publish(&2).await?;
    hears(&mut resumed, [1, 2]).await;
    Ok(())
}

/// One question for many rooms.
#[sockeye::test(start_paused = true)]
async fn rooms_are_looked_after_together() -> Result<()> {
    let moody = Arc::new(Moody { inner: store(), fails: AtomicBool::new(false), heads: AtomicU64::new(0) });
    let [node] = nodes(&moody);
    let mut members = Vec::new();
    for number in 0..300 {
        members.push(node.socket(&format!("/rooms/room{number}")).await);
    }
    pass(Duration::from_secs(3)).await;
    let before = moody.heads.load(Ordering::SeqCst);
    pass(Duration::from_secs(50)).await;
    let questions = moody.heads.load(Ordering::SeqCst) - before;
    assert!((18..=22).contains(&questions), "{questions}");
    drop(members);
    pass(Duration::from_secs(20)).await;
    let before = moody.heads.load(Ordering::SeqCst);
    pass(Duration::from_secs(50)).await;
    assert_eq!(moody.heads.load(Ordering::SeqCst), before, "nobody is there");
    Ok(())
}

/// An offset that nobody has stored is nobody's message.
#[sockeye::test(start_paused = true)]
async fn an_invented_offset_does_no_harm() -> Result<()> {
    let (store, broker) = (store(), LocalBroker::new());
    let node = node_of(&broker, numbered(&store));
    let mut member = node.socket("/rooms/a").await;
    let mut session = broker.connect().await?;
    for offset in [5, 1 << 40, u64::MAX - 1, u64::MAX] {
        for kind in ["message", "head"] {
            let bytes = format!("{{\"v\":1,\"kind\":\"{kind}\",\"offset\":{offset},\"at\":1}}\nx");
            session.outlet.publish(&[(Channel::Room("a".into()), Bytes::from(bytes))]).await?;
        }
    }
    member.expect_silence(Duration::from_secs(6)).await?;
    for number in 1..=3 {
        node.hub.room("a").publish(&number).await?;
    }
    hears(&mut member, 1..=3).await;
    Ok(())
}

/// Even while the store can't be asked.
#[sockeye::test(start_paused = true)]
async fn an_invented_offset_does_no_harm_while_the_store_is_away() -> Result<()> {
    let moody = Arc::new(Moody { inner: store(), fails: AtomicBool::new(true), heads: AtomicU64::new(0) });
    let broker = LocalBroker::new();
    let node = node_of(&broker, numbered(&moody));
    let mut member = node.socket("/rooms/a").await;
    let mut session = broker.connect().await?;
    let invented = format!("{{\"v\":1,\"kind\":\"head\",\"offset\":{}}}\n", 1_u64 << 62);
    session.outlet.publish(&[(Channel::Room("a".into()), Bytes::from(invented))]).await?;
    pass(Duration::from_secs(1)).await;
    moody.fails.store(false, Ordering::SeqCst);
    pass(Duration::from_secs(6)).await;
    for number in 1..=3 {
        node.hub.room("a").publish(&number).await?;
    }
    hears(&mut member, 1..=3).await;
    let (mut resumed, first) = node.join("/since/a?since=1").await;
    assert_eq!(first, 2);
    hears(&mut resumed, [3]).await;
    Ok(())
}
