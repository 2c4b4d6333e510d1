//! A bad network between an adapter and its server.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use sockeye::{
    NatsBroker, RedisBroker, Result,
    broker::{Broker, Channel},
    time::timeout,
};
use sockeye_tests::proxy::{Odds, Proxy};

use super::{Subject, next, room, soon, with_each_server};

with_each_server![the_first_redial_is_refused, a_connection_is_cut, the_network_stalls];

/// The same broker, by way of a proxy.
pub(super) async fn behind_a_proxy(subject: &mut Subject) -> Result<(Proxy, Arc<dyn Broker>)> {
    let proxy = Proxy::start(subject.service().port(), 42).await?;
    let address = format!("127.0.0.1:{}", proxy.port());
    let broker: Arc<dyn Broker> = match subject.broker.name() {
        "redis" => Arc::new(RedisBroker::new(&format!("redis://{address}"))?),
        _ => Arc::new(NatsBroker::new(&format!("nats://{address}"))?),
    };
    Ok((proxy, broker))
}

async fn the_first_redial_is_refused(mut subject: Subject) -> Result<()> {
    let (proxy, broker) = behind_a_proxy(&mut subject).await?;
    broker.connect().await?;
    proxy.refuse(2);
    for _ in 0..2 {
        assert!(soon(broker.connect()).await.expect_err("it is refused").is_broker());
    }
    broker.connect().await?;
    Ok(())
}

async fn a_connection_is_cut(mut subject: Subject) -> Result<()> {
    let (proxy, broker) = behind_a_proxy(&mut subject).await?;
    let mut session = broker.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    let begin = Instant::now();
    proxy.cut();
    assert!(next(&mut session).await.expect_err("the connection is gone").is_broker());
    assert!(session.outlet.publish(&[(room("lobby"), "hello".into())]).await.is_err());
    assert!(begin.elapsed() < Duration::from_secs(2));
    Ok(())
}

async fn the_network_stalls(mut subject: Subject) -> Result<()> {
    let (proxy, broker) = behind_a_proxy(&mut subject).await?;
    let (mut short, mut long) = (broker.connect().await?, broker.connect().await?);
    // Shorter than the limit: it goes on as if nothing had been.
    proxy.stall(true);
    let lobby = [room("lobby")];
    let mut subscribing = short.outlet.subscribe(&lobby);
    assert!(timeout(Duration::from_millis(300), &mut subscribing).await.is_err());
    proxy.stall(false);
    soon(subscribing).await?;
    short.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    assert_eq!(next(&mut short).await?.1, "hello");
    // Longer.
    proxy.stall(true);
    let error = soon(long.outlet.subscribe(&lobby)).await.expect_err("nobody answers");
    assert!(error.to_string().contains("within 5s"), "{error}");
    assert!(next(&mut long).await.is_err());
    Ok(())
}

/// A message that is lost, doubled or overtaken is no reason to end anything: brokers may do that.
#[sockeye::test(flavor = "multi_thread")]
async fn redis_loses_doubles_and_swaps() -> Result<()> {
    const MESSAGES: usize = 2000;
    let mut subject = Subject::redis().await;
    let (proxy, broker) = behind_a_proxy(&mut subject).await?;
    let (mut listener, mut sender) = (broker.connect().await?, subject.connect().await?);
    proxy.disturb(Odds { lose: 5, double: 5, overtake: 5 });
    listener.outlet.subscribe(&[room("lobby")]).await?;
    let messages: Vec<_> = (0..MESSAGES).map(|number| (room("lobby"), number.to_string().into())).collect();
    sender.outlet.publish(&messages).await?;
    proxy.disturb(Odds::default());
    let mut came = Vec::new();
    while let Ok(message) = timeout(Duration::from_secs(1), listener.intake.next()).await {
        let (channel, payload) = message?;
        assert_eq!(channel, Channel::Room("lobby".into()));
        came.push(std::str::from_utf8(&payload)?.parse::<usize>()?);
    }
    let (lost, doubled) = (proxy.tally().lost.load(Relaxed), proxy.tally().doubled.load(Relaxed));
    assert!(lost > 0 && doubled > 0 && proxy.tally().overtaken.load(Relaxed) > 0);
    assert_eq!(came.len(), MESSAGES - lost + doubled);
    assert!(came.windows(2).any(|pair| pair[0] > pair[1]), "none was overtaken");
    Ok(())
}
