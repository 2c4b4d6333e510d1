//! Who gets what on other nodes, and in which order.

use std::time::Duration;

use sockeye::{LocalBroker, TestSocket, prelude::*};

use super::{Node, app, node_of, nodes, pass, until};

async fn hears(ws: &mut TestSocket, text: &str) {
    assert_eq!(ws.receive_text().await.expect("a message"), text);
}

#[sockeye::test(start_paused = true)]
async fn a_broadcast_reaches_all_nodes_in_order() -> Result<()> {
    let [one, two, three] = nodes();
    let mut members = [one.socket("/rooms/a").await, two.socket("/rooms/a").await, two.socket("/rooms/a").await];
    let mut elsewhere = three.socket("/rooms/b").await;
    let sends = async {
        for number in 0..500 {
            one.hub.room("a").broadcast(&number).await.unwrap();
            // A node without members in the room sends all the same.
            three.hub.room("a").broadcast(&(1000 + number)).await.unwrap();
        }
    };
    let hears = async {
        for member in &mut members {
            let mut next = [0, 1000];
            while next != [500, 1500] {
                let number: u64 = member.receive_json().await.unwrap();
                let sender = usize::from(number >= 1000);
                assert_eq!(number, next[sender]);
                next[sender] += 1;
            }
        }
    };
    tokio::join!(sends, hears);
    for member in members.iter_mut().chain([&mut elsewhere]) {
        member.expect_silence(Duration::from_secs(30)).await?;
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn others_are_all_on_other_nodes() -> Result<()> {
    let [one, two] = nodes();
    let (mut sender, mut other) = (one.socket("/rooms/a").await, two.socket("/rooms/a").await);
    sender.send_text("others hello").await?;
    hears(&mut other, "hello").await;
    sender.send_text("all all").await?;
    hears(&mut sender, "all").await;
    hears(&mut other, "all").await;
    one.hub.room("a").broadcast_bytes([0, 255]).await?;
    assert_eq!(other.receive_bytes().await?, [0, 255].as_slice());
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_user_is_left_out_wherever_it_is() -> Result<()> {
    let [one, two] = nodes();
    let mut anns = [one.socket("/rooms/a?user=ann").await, two.socket("/rooms/a?user=ann").await];
    let mut bobs = [one.socket("/rooms/a?user=bob").await, two.socket("/rooms/a?user=bob").await];
    pass(Duration::from_secs(1)).await;
    one.hub.room("a").broadcast_except_user("ann", &Message::text("not for ann")).await?;
    one.hub.room("a").broadcast_text("for all").await?;
    for (user, expected) in [(&mut bobs, &["not for ann", "for all"][..]), (&mut anns, &["for all"])] {
        for ws in user {
            let mut texts = Vec::new();
            while texts.last().is_none_or(|text| text != "for all") {
                let text = ws.receive_text().await?;
                texts.extend(Some(text).filter(|text| !text.starts_with('{')));
            }
            assert_eq!(texts, expected);
        }
    }
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn a_user_is_reached_wherever_it_is() -> Result<()> {
    let [one, two] = nodes();
    let mut here = one.socket("/rooms/a?user=ann").await;
    let mut there = two.socket("/rooms/a?user=ann").await;
    let mut elsewhere = two.socket("/rooms/b?user=ann").await;
    let mut eve = two.socket("/rooms/a?user=eve").await;
    hears(&mut here, r#"{"joined":"eve"}"#).await;
    hears(&mut there, r#"{"joined":"eve"}"#).await;
    assert_eq!(one.hub.room("a").send_to("ann", &Message::text("in a")).await?, 1);
    hears(&mut here, "in a").await;
    hears(&mut there, "in a").await;
    assert_eq!(one.hub.send_to("ann", &Message::text("anywhere")).await?, 1);
    for ws in [&mut here, &mut there, &mut elsewhere] {
        hears(ws, "anywhere").await;
        ws.expect_silence(Duration::from_secs(3)).await?;
    }
    eve.expect_silence(Duration::from_secs(3)).await?;
    Ok(())
}

struct Topics;

#[websocket("/topics")]
impl Topics {
    async fn open(&self, peer: &Peer) -> Result<()> {
        peer.subscribe("news").await?;
        peer.send_text("open").await
    }

    async fn message(&self, peer: &Peer, message: Message) -> Result<()> {
        peer.publish("news", &message).await
    }
}

#[sockeye::test(start_paused = true)]
async fn topics_reach_over_nodes() -> Result<()> {
    let broker = LocalBroker::new();
    let [one, two] = [(); 2].map(|()| node_of(&broker, App::new().route(Topics)));
    let mut here = one.client.websocket_connect("/topics").await?;
    let mut there = two.client.websocket_connect("/topics").await?;
    hears(&mut here, "open").await;
    hears(&mut there, "open").await;
    here.send_text("said").await?;
    hears(&mut there, "said").await;
    one.hub.publish("news", "published").await?;
    hears(&mut here, r#""published""#).await;
    hears(&mut there, r#""published""#).await;
    here.expect_silence(Duration::from_secs(3)).await
}

/// A node subscribes to what it serves, and for a little while after that.
#[sockeye::test(start_paused = true)]
async fn rooms_are_subscribed_to_while_somebody_is_there() -> Result<()> {
    let broker = LocalBroker::new();
    let channels = |count: usize| {
        let text = format!("{broker:?}");
        assert!(text.ends_with(&format!("channels: {count} }}")), "expected {count}, got {text}");
    };
    let node = node_of(&broker, app());
    let first = node.socket("/rooms/a").await;
    channels(3);
    let second = node.socket("/rooms/b").await;
    channels(4);
    drop(first);
    pass(Duration::from_secs(3)).await;
    channels(4);
    let again = node.socket("/rooms/a").await;
    drop(second);
    pass(Duration::from_secs(10)).await;
    channels(3);
    drop(again);
    pass(Duration::from_secs(10)).await;
    channels(2);
    // Who comes now finds it as it was.
    let mut back = node.socket("/rooms/a").await;
    node_of(&broker, app()).hub.room("a").broadcast_text("hello").await?;
    hears(&mut back, "hello").await;
    drop((node, back));
    pass(Duration::from_secs(10)).await;
    channels(0);
    Ok(())
}

/// Names are data.
#[sockeye::test(start_paused = true)]
async fn any_name_is_a_room() -> Result<()> {
    let [one, two] = nodes();
    let names =
        ["with space", "*", "a.*", ">", "{}", "{a}", "a\nb\r\n", "\0", "\u{202e}x", "../x", "sockeye:nodes", "nodes"];
    let long = "\u{1f600}".repeat(256);
    let mut members = Vec::new();
    for name in names.into_iter().chain([&*long]) {
        let path: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        // Some are no path segment: those join by another way.
        members.push((name, two.client.websocket_connect(&format!("/query?room={path}")).await));
    }
    for (name, member) in &mut members {
        let member = member.as_mut().expect("a member");
        hears(member, "joined").await;
        one.hub.room(*name).broadcast_text(*name).await?;
        one.hub.room(*name).broadcast_text("end").await?;
    }
    for (name, member) in &mut members {
        let member = member.as_mut().expect("a member");
        hears(member, name).await;
        hears(member, "end").await;
        member.expect_silence(Duration::from_millis(10)).await?;
    }
    assert!(one.hub.room("").broadcast_text("nowhere").await.unwrap_err().is_limit());
    Ok(())
}

/// Local delivery waits for nobody; others miss what is not stored, and it is counted.
#[sockeye::test(start_paused = true)]
async fn without_the_broker_a_node_is_a_server_like_any_other() -> Result<()> {
    let [one, two] = nodes();
    one.broker.cut();
    let started = tokio::time::Instant::now();
    let (mut here, mut there) = (one.socket("/rooms/a").await, two.socket("/rooms/a").await);
    for number in 0..10 {
        one.hub.room("a").broadcast(&number).await?;
        assert_eq!(here.receive_json::<u64>().await?, number);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    pass(Duration::from_secs(1)).await;
    let health = one.hub.health().await;
    let broker = health.broker.as_ref().expect("a broker");
    assert_eq!(
        (broker.connected, broker.dropped, broker.nodes, broker.error.as_deref()),
        (false, 10, 1, Some("it was cut"))
    );
    assert!(!health.is_ready() && two.is_ready().await);
    there.expect_silence(Duration::from_secs(1)).await?;
    one.broker.mend();
    pass(Duration::from_secs(6)).await;
    assert!(one.is_ready().await);
    one.hub.room("a").broadcast_text("back").await?;
    hears(&mut there, "back").await;
    two.hub.room("a").broadcast_text("and forth").await?;
    hears(&mut here, "back").await;
    hears(&mut here, "and forth").await;
    Ok(())
}

/// A short interruption loses nothing that had not been sent.
#[sockeye::test(start_paused = true)]
async fn a_broker_that_is_back_at_once_gets_what_waited() -> Result<()> {
    let [one, two] = nodes();
    let (_here, mut there) = (one.socket("/rooms/a").await, two.socket("/rooms/a").await);
    pass(Duration::from_secs(1)).await;
    one.broker.cut();
    one.broker.mend();
    one.hub.room("a").broadcast_text("in between").await?;
    hears(&mut there, "in between").await;
    pass(Duration::from_secs(1)).await;
    assert_eq!(one.hub.health().await.broker.map(|broker| (broker.reconnects, broker.dropped)), Some((1, 0)));
    Ok(())
}

/// A broker whose socket stands and that does nothing is noticed.
#[sockeye::test(start_paused = true)]
async fn a_wedged_broker_is_away_within_five_seconds() -> Result<()> {
    let [one, two] = nodes();
    let (mut here, _there) = (one.socket("/rooms/a").await, two.socket("/rooms/a").await);
    pass(Duration::from_secs(60)).await;
    assert!(one.is_ready().await);
    one.broker.freeze();
    pass(Duration::from_millis(5100)).await;
    assert!(!one.is_ready().await && two.is_ready().await);
    one.hub.room("a").broadcast_text("here").await?;
    hears(&mut here, "here").await;
    pass(Duration::from_secs(30)).await;
    one.broker.mend();
    pass(Duration::from_secs(6)).await;
    assert!(one.is_ready().await);
    two.hub.room("a").broadcast_text("there").await?;
    hears(&mut here, "there").await;
    Ok(())
}

/// What is not stored comes once or not at all, and never late.
#[sockeye::test(start_paused = true)]
async fn at_most_once_whatever_the_broker_does() -> Result<()> {
    let [one, two] = nodes();
    let mut there = two.socket("/rooms/a?user=ann").await;
    let mut user = two.socket("/rooms/b?user=ann").await;
    one.broker.shake(50);
    for number in 1..=2000 {
        one.hub.room("a").broadcast(&number).await?;
        one.hub.send_to("ann", &(10_000 + number)).await?;
        if number % 100 == 0 {
            pass(Duration::from_millis(1)).await;
        }
    }
    one.broker.shake(0);
    one.hub.room("a").broadcast(&3000).await?;
    one.hub.send_to("ann", &20_000).await?;
    let (mut last, mut count) = ([0, 10_000], [0, 0]);
    while last != [3000, 20_000] {
        let number: u64 = there.receive_json().await?;
        let of = usize::from(number >= 10_000);
        assert!(number > last[of], "{number} after {}", last[of]);
        last[of] = number;
        count[of] += 1;
    }
    assert!(count.iter().all(|count| (1600..1990).contains(count)), "{count:?}");
    let (mut last, mut seen) = (0, 0);
    while last < 20_000 {
        let number = user.receive_json().await?;
        assert!(number > last);
        (last, seen) = (number, seen + 1);
    }
    assert_eq!(seen, count[1]);
    Ok(())
}

/// The last server that ends takes its leave, and what was sent before has been sent.
#[sockeye::test]
async fn a_server_that_ends_loses_nothing() -> Result<()> {
    let broker = LocalBroker::new();
    let two = node_of(&broker, app());
    let mut there = two.socket("/rooms/a").await;
    let app = app().broker(broker.clone());
    let hub = app.hub();
    let server = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    until_nodes(&two, 2).await;
    for number in 0..1000 {
        hub.room("a").broadcast(&number).await?;
    }
    server.shutdown(Duration::from_secs(5)).await?;
    for number in 0..1000 {
        assert_eq!(there.receive_json::<u64>().await?, number);
    }
    until_nodes(&two, 1).await;
    // Somebody goes on: so does the hub.
    hub.room("a").broadcast_text("again").await?;
    hears(&mut there, "again").await;
    drop(hub);
    let debug = || format!("{broker:?}");
    until("one session", || debug().contains("sessions: 1,")).await;
    Ok(())
}

async fn until_nodes(node: &Node, count: usize) {
    for _ in 0..500 {
        if node.hub.health().await.broker.is_some_and(|broker| broker.nodes == count) {
            return;
        }
        pass(Duration::from_millis(10)).await;
    }
    panic!("waited in vain for {count} nodes: {:?}", node.hub.health().await);
}
