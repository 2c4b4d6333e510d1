//! What comes from the broker and is none of ours.

use std::time::Duration;

use sockeye::{
    Broker, Bytes, LocalBroker, RoomOptions,
    broker::{Channel, Session},
    prelude::*,
};

use super::{app, node_of, pass};

/// Dropped, counted, and of no consequence.
#[sockeye::test(start_paused = true)]
async fn garbage_is_dropped_and_counted() -> Result<()> {
    let broker = LocalBroker::new();
    let [one, two] = [(); 2].map(|()| node_of(&broker, app()));
    let mut ann = one.socket("/rooms/a?user=ann").await;
    let _bob = two.socket("/rooms/a?user=bob").await;
    ann.receive_text().await?;
    pass(Duration::from_secs(1)).await;
    let id = one.hub.health().await.node.unwrap_or_default();
    let Session { mut outlet, intake: _intake } = broker.connect().await?;
    let mut garbage: Vec<Vec<u8>> = [
        "",
        "\n",
        "no header",
        "{\"v\":1}",
        "{\"v\":0}\nold",
        "{\"v\":2}\nnew",
        "{\"v\":\"1\"}\n",
        "{\"v\":1,\"kind\":\"later\"}\n",
        "{\"v\":1,\"kind\":\"beat\"}\n",
        "{\"v\":1,\"kind\":\"beat\",\"session\":1,\"number\":1}\n",
        "{\"v\":1,\"kind\":\"presence\",\"from\":0,\"to\":1}\n[]",
        "{\"v\":1,\"kind\":\"lists\",\"session\":1}\n{}",
        "{\"v\":1,\"node\":\"xyz\"}\n",
        "{\"v\":1,\"offset\":0}\n",
        "{\"v\":1,\"offset\":-1}\n",
        "PUBLISH x y\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    garbage.push(vec![0; 64 * 1024]);
    garbage.push(vec![b'['; 10 * 1024 * 1024]);
    garbage.push([b"{\"v\":1}\n".as_slice(), &[b'x'; 10 * 1024 * 1024]].concat());
    garbage.push([b"{\"v\":1,\"x\":\"".as_slice(), &[b'x'; 9000], b"\"}\n"].concat());
    garbage.push(b"{\"v\":1}\n\xff\xfe".to_vec());
    let channels = [Channel::Nodes, Channel::Node(id.into()), Channel::Room("a".into())];
    let count = garbage.len() * channels.len();
    for bytes in garbage {
        let bytes = Bytes::from(bytes);
        outlet.publish(&channels.clone().map(|channel| (channel, bytes.clone()))).await?;
        pass(Duration::from_millis(1)).await;
    }
    pass(Duration::from_secs(20)).await;
    ann.expect_silence(Duration::from_millis(1)).await?;
    let health = one.hub.health().await.broker.expect("a broker");
    assert_eq!((health.refused, health.nodes, health.connected), (count as u64, 2, true));
    assert_eq!(one.users("a"), ["ann", "bob"]);
    two.hub.room("a").broadcast_text("still there").await?;
    assert_eq!(ann.receive_text().await?, "still there");
    Ok(())
}

/// One that only beats is a node, and gone when it does not any more; what it says of users it need not prove.
#[sockeye::test(start_paused = true)]
async fn an_invented_node_goes_as_it_came() -> Result<()> {
    let broker = LocalBroker::new();
    let one = node_of(&broker, app());
    let mut ann = one.socket("/rooms/a?user=ann").await;
    let Session { mut outlet, intake: _intake } = broker.connect().await?;
    let node = "0123456789abcdef0123456789abcdef";
    let post = |channel: Channel, header: String, payload: &str| {
        let header = format!("{{\"v\":1,\"node\":\"{node}\",{header}}}\n{payload}");
        (channel, Bytes::from(header))
    };
    let room = || Channel::Room("a".into());
    let presence = |from: u64, to: u64| format!("\"kind\":\"presence\",\"from\":{from},\"to\":{to},\"whole\":true");
    // Before it is known.
    outlet.publish(&[post(room(), presence(0, 1), "[{\"user\":\"ghost\"}]")]).await?;
    pass(Duration::from_millis(100)).await;
    assert_eq!(one.users("a"), ["ann"]);
    let beat = "\"kind\":\"beat\",\"session\":1,\"number\":1".to_owned();
    outlet.publish(&[post(Channel::Nodes, beat, ""), post(room(), presence(0, 1), "[{\"user\":\"ghost\"}]")]).await?;
    assert_eq!(ann.receive_text().await?, r#"{"joined":"ghost"}"#);
    let numbers = format!("\"kind\":\"presence\",\"from\":1,\"to\":{}", u64::MAX);
    let users = format!("[{{\"user\":\"giant\",\"connections\":{},\"stamp\":{}}}]", u32::MAX, u64::MAX);
    outlet.publish(&[post(room(), numbers, &users)]).await?;
    assert_eq!(ann.receive_text().await?, r#"{"joined":"giant"}"#);
    for expected in [r#"{"left":"ghost"}"#, r#"{"left":"giant"}"#] {
        let came = ann.receive_text().await?;
        assert!(came == expected || came == r#"{"left":"giant"}"# || came == r#"{"left":"ghost"}"#, "{came}");
    }
    let _bob = one.socket("/rooms/a?user=bob").await;
    assert_eq!(ann.receive_text().await?, r#"{"joined":"bob"}"#);
    assert_eq!(one.users("a"), ["ann", "bob"]);
    Ok(())
}

/// A node that has said goodbye, and is there again before its users' time of grace is over, keeps them.
#[sockeye::test(start_paused = true)]
async fn who_comes_back_after_a_goodbye_stays() -> Result<()> {
    let broker = LocalBroker::new();
    let one = node_of(&broker, app().rooms(RoomOptions::new().grace(Duration::from_secs(5))));
    let _ann = one.socket("/rooms/a?user=ann").await;
    let Session { mut outlet, intake: _intake } = broker.connect().await?;
    let node = "0123456789abcdef0123456789abcdef";
    let post = |channel: Channel, header: &str, payload: &str| {
        (channel, Bytes::from(format!("{{\"v\":1,\"node\":\"{node}\",{header}}}\n{payload}")))
    };
    let beat =
        |session: u64| post(Channel::Nodes, &format!("\"kind\":\"beat\",\"session\":{session},\"number\":1"), "");
    let here = |to: u64| {
        let header = format!("\"kind\":\"presence\",\"from\":0,\"to\":{to},\"whole\":true");
        post(Channel::Room("a".into()), &header, "[{\"user\":\"bob\",\"connections\":1,\"stamp\":1}]")
    };
    outlet.publish(&[beat(1), here(1)]).await?;
    pass(Duration::from_secs(1)).await;
    assert_eq!(one.users("a"), ["ann", "bob"]);
    outlet.publish(&[post(Channel::Nodes, "\"kind\":\"bye\",\"session\":1", "")]).await?;
    pass(Duration::from_secs(2)).await;
    assert_eq!(one.users("a"), ["ann", "bob"]);
    for second in 0..8 {
        outlet.publish(&[beat(2), here(2 + second)]).await?;
        pass(Duration::from_secs(1)).await;
        assert_eq!(one.users("a"), ["ann", "bob"], "after {second} s");
    }
    // And then it is gone without a word.
    pass(Duration::from_secs(12)).await;
    assert_eq!(one.users("a"), ["ann"]);
    Ok(())
}
