//! Publishing from outside of any server.

use std::{sync::Arc, time::Duration};

use sockeye::{Broker, Bytes, LocalBroker, MemoryHistory, Offset, broker::Channel, prelude::*};

use super::{Faulty, app, node_of, pass};

#[sockeye::test(start_paused = true)]
async fn what_a_job_sends_has_been_sent_when_it_is_done() -> Result<()> {
    let broker = LocalBroker::new();
    let history = Arc::new(MemoryHistory::new());
    let node = node_of(&broker, app().history(history.clone()));
    let mut ann = node.socket("/rooms/a?user=ann").await;
    let job = Hub::connect(broker.clone()).await?.with_history(history);
    job.room("a").broadcast_text("all").await?;
    job.publish("a", "topic").await?;
    assert_eq!(job.send_to("ann", "user").await?, 0);
    assert_eq!(job.room("a").send_to("ann", "in the room").await?, 0);
    assert_eq!(job.room("a").publish("stored").await?, Offset::new(1));
    drop(job);
    for expected in ["all", r#""topic""#, r#""user""#, r#""in the room""#, r#""stored""#] {
        assert_eq!(ann.receive_text().await?, expected);
    }
    // Nobody took it for a node.
    pass(Duration::from_secs(1)).await;
    assert_eq!(node.hub.health().await.broker.map(|broker| broker.nodes), Some(1));
    assert!(format!("{broker:?}").contains("sessions: 1,"));
    Ok(())
}

#[sockeye::test(start_paused = true)]
async fn without_a_broker_it_is_an_error() -> Result<()> {
    let broker = Faulty::new(LocalBroker::new());
    broker.cut();
    let error = Hub::connect(broker.clone()).await.unwrap_err();
    assert!(error.is_broker() && error.to_string().contains("it was cut"), "{error}");
    broker.mend();
    let hub = Hub::connect(broker.clone()).await?;
    hub.publish("a", "taken").await?;
    broker.cut();
    pass(Duration::from_secs(1)).await;
    assert!(hub.publish("a", "not taken").await.unwrap_err().is_broker());
    assert!(hub.send_to("ann", "not taken").await.unwrap_err().is_broker());
    broker.mend();
    pass(Duration::from_secs(6)).await;
    hub.publish("a", "taken").await?;
    // It stands and does nothing.
    broker.freeze();
    let since = tokio::time::Instant::now();
    assert!(hub.publish("a", "not taken").await.unwrap_err().is_broker());
    assert!(since.elapsed() < Duration::from_secs(6));
    Ok(())
}

/// What is stored is stored: nobody has to publish it again.
#[sockeye::test(start_paused = true)]
async fn what_is_stored_is_no_error() -> Result<()> {
    let (local, history) = (LocalBroker::new(), Arc::new(MemoryHistory::new()));
    let node = node_of(&local, app().history(history.clone()));
    let mut member = node.socket("/rooms/a").await;
    let broker = Faulty::new(local);
    let hub = Hub::connect(broker.clone()).await?.with_history(history);
    broker.freeze();
    assert_eq!(hub.room("a").publish("stored").await?, Offset::new(1));
    assert_eq!(member.receive_text().await?, r#""stored""#);
    Ok(())
}

/// A script with nothing but a client of the broker.
#[sockeye::test(start_paused = true)]
async fn one_line_and_a_payload_will_do() -> Result<()> {
    let broker = LocalBroker::new();
    let node = node_of(&broker, app());
    let mut ann = node.socket("/rooms/lobby?user=ann").await;
    let mut eve = node.socket("/rooms/lobby").await;
    let mut session = broker.connect().await?;
    let room = || Channel::Room("lobby".into());
    let posts = [
        (room(), Bytes::from_static(b"{\"v\":1}\n{\"type\":\"news\"}")),
        (room(), Bytes::from_static(b"{\"v\":1,\"user\":\"ann\"}\nfor ann")),
        (Channel::Nodes, Bytes::from_static(b"{\"v\":1,\"user\":\"ann\"}\nfor ann anywhere")),
        (room(), Bytes::from_static(b"{\"v\":1,\"op\":\"binary\"}\n\xff")),
    ];
    session.outlet.publish(&posts).await?;
    for ws in [&mut ann, &mut eve] {
        assert_eq!(ws.receive_text().await?, r#"{"type":"news"}"#);
    }
    assert_eq!(ann.receive_text().await?, "for ann");
    assert_eq!(ann.receive_text().await?, "for ann anywhere");
    assert_eq!(ann.receive_bytes().await?, b"\xff".as_slice());
    assert_eq!(eve.receive_bytes().await?, b"\xff".as_slice());
    Ok(())
}
