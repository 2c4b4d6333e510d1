//! Who is there, over all nodes.

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use sockeye::{LocalBroker, PresenceEvent, RoomOptions, TestSocket, prelude::*};

use super::{Node, app, node_of, nodes, pass, patient};

async fn hears(ws: &mut TestSocket, what: &str, user: &str) {
    assert_eq!(ws.receive_text().await.expect("an announcement"), json!({ what: user }).to_string());
}

/// What all nodes say of a room.
#[track_caller]
fn all_see(nodes: &[Node], room: &str, users: &[&str]) {
    for (at, node) in nodes.iter().enumerate() {
        assert_eq!(node.users(room), users, "on node {at}");
        assert_eq!(node.hub.room(room).stats().users, users.len());
    }
}

#[sockeye::test(start_paused = true)]
async fn first_in_and_last_out_count_over_all_nodes() -> Result<()> {
    let nodes = nodes::<3>();
    let [one, two, three] = &nodes;
    let (mut eve, found) = one.join("/rooms/a?user=eve").await;
    assert_eq!(found, json!([{ "name": "eve" }]));
    let (ann, found) = two.join("/rooms/a?user=ann").await;
    assert_eq!(found, json!([{ "name": "ann" }, { "name": "eve" }]));
    hears(&mut eve, "joined", "ann").await;
    let (tab, found) = three.join("/rooms/a?user=ann").await;
    assert_eq!(found, json!([{ "name": "ann" }, { "name": "eve" }]));
    pass(Duration::from_millis(10)).await;
    all_see(&nodes, "a", &["ann", "eve"]);
    assert_eq!(one.hub.room("a").presence().get("ann").map(|user| user.connections()), Some(2));
    // Of each node's own it is told alone.
    assert_eq!((one.hub.users().len(), one.hub.stats().active_users, one.hub.room("a").len()), (1, 1, 1));
    drop(ann);
    eve.expect_silence(Duration::from_secs(20)).await?;
    assert_eq!(one.hub.room("a").presence().get("ann").map(|user| user.connections()), Some(1));
    drop(tab);
    hears(&mut eve, "left", "ann").await;
    all_see(&nodes[..1], "a", &["eve"]);
    eve.expect_silence(Duration::from_secs(20)).await
}

#[sockeye::test(start_paused = true)]
async fn events_are_those_of_all_nodes() -> Result<()> {
    let [one, two] = nodes();
    let mut events = one.hub.room("a").presence_events();
    assert!(events.presence().is_empty());
    let (_eve, ann) = (two.socket("/rooms/a?user=eve").await, two.socket("/rooms/a?user=ann").await);
    for expected in ["eve", "ann"] {
        assert!(matches!(events.next().await, PresenceEvent::Joined(user) if user.id() == expected));
    }
    drop(ann);
    assert!(matches!(events.next().await, PresenceEvent::Left(user) if user.id() == "ann"));
    assert_eq!(one.hub.room("a").presence_events().presence().len(), 1);
    Ok(())
}

/// Who moves from one node to another within the time of grace has never left; what it says of itself last counts.
#[sockeye::test(start_paused = true)]
async fn who_moves_stays() -> Result<()> {
    let broker = LocalBroker::new();
    let options = RoomOptions::new().grace(Duration::from_secs(2)).announce(|event| match event {
        PresenceEvent::Joined(user) => Some(json!({ "joined": user.id() })),
        PresenceEvent::Left(user) => Some(json!({ "left": user.id() })),
        _ => None,
    });
    let [one, two] = [(); 2].map(|()| node_of(&broker, app().rooms(options.clone())));
    let mut eve = one.socket("/rooms/a?user=eve").await;
    let (ann, _watch) = (two.socket("/rooms/a?user=ann").await, two.socket("/rooms/a").await);
    hears(&mut eve, "joined", "ann").await;
    drop(ann);
    pass(Duration::from_secs(1)).await;
    assert_eq!(one.hub.room("a").presence().get("ann").map(|user| user.connections()), Some(0));
    let ann = one.socket("/rooms/a?user=ann").await;
    eve.expect_silence(Duration::from_secs(10)).await?;
    assert_eq!(two.users("a"), ["ann", "eve"]);
    drop(ann);
    hears(&mut eve, "left", "ann").await;
    Ok(())
}

/// What was to be told goes with the session that ends while it waits for the broker: the next one tells it.
#[sockeye::test(start_paused = true)]
async fn what_a_session_did_not_tell_the_next_one_does() -> Result<()> {
    let [one, two] = nodes();
    let (_eve, mut bob) = (one.socket("/rooms/a?user=eve").await, two.socket("/rooms/a?user=bob").await);
    pass(Duration::from_secs(5)).await;
    two.broker.hold(true);
    // Both in one go: somebody comes, and a room is to be subscribed to.
    let (ann, _zoe) = tokio::join!(two.socket("/rooms/a?user=ann"), two.socket("/rooms/b?user=zoe"));
    pass(Duration::from_secs(1)).await;
    two.broker.cut();
    two.broker.hold(false);
    two.broker.mend();
    pass(Duration::from_secs(5)).await;
    assert_eq!(one.users("a"), ["ann", "bob", "eve"]);
    // And so do all later ones.
    let _carl = two.socket("/rooms/a?user=carl").await;
    drop(ann);
    pass(Duration::from_secs(5)).await;
    assert_eq!(one.users("a"), ["bob", "carl", "eve"]);
    bob.close(1000).await?;
    Ok(())
}

/// A node that stops in good order gives its users the time of grace to come to another: who does has never left.
#[sockeye::test]
async fn who_comes_from_a_node_that_stops_stays() -> Result<()> {
    let broker = LocalBroker::new();
    let options = RoomOptions::new().grace(Duration::from_secs(2)).announce(|event| match event {
        PresenceEvent::Joined(user) => Some(json!({ "joined": user.id() })),
        PresenceEvent::Left(user) => Some(json!({ "left": user.id() })),
        _ => None,
    });
    let one = node_of(&broker, app().rooms(options.clone()));
    let mut eve = one.socket("/rooms/a?user=eve").await;
    let two = app().rooms(options).broker(broker);
    let server = two.clone().serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    let two = patient(two);
    let mut there = Vec::new();
    for user in ["ann", "bob"] {
        there.push(two.websocket_connect(&format!("/rooms/a?user={user}")).await?);
        hears(&mut eve, "joined", user).await;
    }
    drop(there);
    pass(Duration::from_millis(100)).await;
    server.shutdown(Duration::from_secs(5)).await?;
    pass(Duration::from_millis(100)).await;
    assert_eq!(one.hub.health().await.broker.map(|broker| broker.nodes), Some(1), "it has said goodbye");
    let _ann = one.socket("/rooms/a?user=ann").await;
    hears(&mut eve, "left", "bob").await;
    eve.expect_silence(Duration::from_secs(3)).await?;
    assert_eq!(one.users("a"), ["ann", "eve"]);
    Ok(())
}

/// A node that dies has its users leave on the others, once, within 15 s.
#[sockeye::test(start_paused = true)]
async fn the_users_of_a_dead_node_leave_once() -> Result<()> {
    let nodes = nodes::<3>();
    let [one, two, three] = &nodes;
    let mut eve = one.socket("/rooms/a?user=eve").await;
    let mut gone = Vec::new();
    for number in 0..20 {
        gone.push(two.socket(&format!("/rooms/a?user=user{number:02}")).await);
        hears(&mut eve, "joined", &format!("user{number:02}")).await;
    }
    let _both = [two.socket("/rooms/a?user=ann").await, three.socket("/rooms/a?user=ann").await];
    hears(&mut eve, "joined", "ann").await;
    pass(Duration::from_secs(30)).await;
    two.broker.cut();
    let since = tokio::time::Instant::now();
    let mut left = BTreeSet::new();
    while left.len() < 20 {
        let text = eve.receive_text().await?;
        assert!(left.insert(text.clone()), "{text} came twice");
        assert!(text.starts_with(r#"{"left":"user"#), "{text}");
    }
    let took = since.elapsed();
    assert!(took > Duration::from_secs(5) && took < Duration::from_secs(15), "{took:?}");
    eve.expect_silence(Duration::from_secs(60)).await?;
    all_see(&nodes[..1], "a", &["ann", "eve"]);
    all_see(&nodes[2..], "a", &["ann", "eve"]);
    Ok(())
}

/// Each side goes on with what it knows; afterwards all agree, and nobody is there who is not.
#[sockeye::test(start_paused = true)]
async fn a_partition_heals_without_ghosts() -> Result<()> {
    for seconds in [1, 4, 8, 12, 100] {
        let nodes = nodes::<3>();
        let [one, two, three] = &nodes;
        let mut eve = one.socket("/rooms/a?user=eve").await;
        let mut bob = two.socket("/rooms/a?user=bob").await;
        let leaves = two.socket("/rooms/a?user=leaves").await;
        let meanwhile = three.socket("/rooms/a?user=meanwhile").await;
        pass(Duration::from_secs(40)).await;
        all_see(&nodes, "a", &["bob", "eve", "leaves", "meanwhile"]);
        if seconds % 8 == 0 {
            two.broker.freeze()
        } else {
            two.broker.cut()
        }
        drop((leaves, meanwhile));
        let comes = two.socket("/rooms/a?user=comes").await;
        let _late = one.socket("/rooms/a?user=late").await;
        pass(Duration::from_secs(seconds)).await;
        // Its own members, and those of whom it can't know better.
        assert_eq!(two.users("a"), ["bob", "comes", "eve", "meanwhile"], "after {seconds} s");
        if seconds > 10 {
            all_see(&nodes[..1], "a", &["eve", "late"]);
        }
        two.broker.mend();
        pass(Duration::from_secs(10)).await;
        all_see(&nodes[..2], "a", &["bob", "comes", "eve", "late"]);
        drop(comes);
        pass(Duration::from_secs(1)).await;
        all_see(&nodes[..2], "a", &["bob", "eve", "late"]);
        // What each was told adds up.
        for (ws, start) in [(&mut eve, &["eve"][..]), (&mut bob, &["bob", "eve"])] {
            let mut there: BTreeSet<String> = start.iter().map(|user| (*user).to_owned()).collect();
            while let Ok(Ok(text)) = tokio::time::timeout(Duration::from_secs(1), ws.receive_text()).await {
                let event: serde_json::Value = serde_json::from_str(&text)?;
                let name = |what: &str| event[what].as_str().map(str::to_owned);
                match (name("joined"), name("left")) {
                    (Some(user), _) => assert!(there.insert(user), "{text} twice, after {seconds} s"),
                    (_, Some(user)) => assert!(there.remove(&user), "{text} though it was not there"),
                    _ => panic!("{text}"),
                }
            }
            assert_eq!(there.into_iter().collect::<Vec<_>>(), ["bob", "eve", "late"]);
        }
    }
    Ok(())
}

/// A connection that comes and goes faster than anybody is given up tells nobody anything.
#[sockeye::test(start_paused = true)]
async fn flapping_is_no_coming_and_going() -> Result<()> {
    let nodes = nodes::<2>();
    let [one, two] = &nodes;
    let mut eve = one.socket("/rooms/a?user=eve").await;
    let mut bob = two.socket("/rooms/a?user=bob").await;
    hears(&mut eve, "joined", "bob").await;
    for round in 0..40 {
        let flaps = if round % 2 == 0 { one } else { two };
        flaps.broker.cut();
        pass(Duration::from_millis(70 * round)).await;
        flaps.broker.mend();
        pass(Duration::from_millis(900)).await;
    }
    pass(Duration::from_secs(10)).await;
    all_see(&nodes, "a", &["bob", "eve"]);
    eve.expect_silence(Duration::from_millis(1)).await?;
    bob.expect_silence(Duration::from_millis(1)).await
}

/// Lost, late and doubled changes are noticed, and asked for.
#[sockeye::test(start_paused = true)]
async fn all_agree_in_the_end_whatever_is_lost() -> Result<()> {
    let nodes = nodes::<3>();
    let mut sockets = Vec::new();
    // Somebody is there from the start, so that all rooms are served all the time.
    let _watch: Vec<_> =
        [nodes[0].socket("/rooms/a").await, nodes[1].socket("/rooms/a").await, nodes[2].socket("/rooms/a").await]
            .into();
    for node in &nodes {
        node.broker.shake(100);
    }
    for number in 0..300_usize {
        let user = number * 7 % 40;
        sockets.push((user, nodes[number % 3].socket(&format!("/rooms/a?user=u{user:02}")).await));
        if number % 4 != 0 {
            drop(sockets.swap_remove(number * 31 % sockets.len()));
        }
        pass(Duration::from_millis(number as u64 % 60)).await;
    }
    pass(Duration::from_secs(20)).await;
    let there: BTreeSet<_> = sockets.iter().map(|(user, _)| format!("u{user:02}")).collect();
    let there: Vec<_> = there.iter().map(String::as_str).collect();
    all_see(&nodes, "a", &there);
    let connections = |node: &Node| node.hub.room("a").presence().iter().map(|user| user.connections()).sum::<usize>();
    assert!(nodes.iter().all(|node| connections(node) == sockets.len()));
    Ok(())
}

/// The last change was lost: nothing comes after it that would tell.
#[sockeye::test(start_paused = true)]
async fn a_change_that_was_lost_is_noticed() -> Result<()> {
    let nodes = nodes::<2>();
    let [one, two] = &nodes;
    let _watch = two.socket("/rooms/a").await;
    let mut eve = one.socket("/rooms/a?user=eve").await;
    let ann = two.socket("/rooms/a?user=ann").await;
    hears(&mut eve, "joined", "ann").await;
    pass(Duration::from_secs(60)).await;
    two.broker.shake(1000);
    drop(ann);
    pass(Duration::from_secs(1)).await;
    two.broker.shake(0);
    let since = tokio::time::Instant::now();
    hears(&mut eve, "left", "ann").await;
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    all_see(&nodes, "a", &["eve"]);
    Ok(())
}

/// A list that does not fit into one envelope, for one who comes late.
#[sockeye::test(start_paused = true)]
async fn a_crowd_is_known_at_once() -> Result<()> {
    const USERS: usize = 700;
    let [one, two] = nodes();
    let mut crowd = Vec::new();
    for number in 0..USERS {
        // Each hears of those who come after it; nobody reads that.
        crowd.push(one.socket(&format!("/rooms/a?user=user{number}")).await);
    }
    let (mut late, found) = two.join("/rooms/a?user=late").await;
    assert_eq!(found.as_array().map(Vec::len), Some(USERS + 1));
    late.expect_silence(Duration::from_secs(3)).await?;
    drop(crowd);
    for _ in 0..USERS {
        assert!(late.receive_text().await?.starts_with(r#"{"left""#));
    }
    assert_eq!(two.users("a"), ["late"]);
    Ok(())
}

/// A node that comes finds those who were there before it.
#[sockeye::test(start_paused = true)]
async fn a_node_that_starts_knows_who_is_there() -> Result<()> {
    let broker = LocalBroker::new();
    let one = node_of(&broker, app());
    let _eve = one.socket("/rooms/a?user=eve").await;
    pass(Duration::from_secs(60)).await;
    for _ in 0..5 {
        let two = node_of(&broker, app());
        let (_bob, found) = two.join("/rooms/a?user=bob").await;
        assert_eq!(found, json!([{ "name": "bob" }, { "name": "eve" }]));
        pass(Duration::from_secs(1)).await;
        assert_eq!(one.users("a"), ["bob", "eve"]);
        // It says goodbye when it ends: its users leave at once, without a time of grace.
        drop((two, _bob));
        pass(Duration::from_secs(6)).await;
        assert_eq!(one.users("a"), ["eve"]);
    }
    Ok(())
}
