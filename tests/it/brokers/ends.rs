//! How a session ends: with an error on both halves, in time, and never by itself alive again.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sockeye::{
    Error, NatsBroker, RedisBroker, Result,
    broker::{Broker, Session},
};

use sockeye_tests::services::Service;

use super::{
    Subject,
    looks::{connections, redis_command},
    next, room, soon, with_each_server,
};

with_each_server![
    the_server_is_killed,
    the_server_is_back_at_once,
    the_server_stands_still,
    who_does_not_receive_loses_the_session,
];

/// Receives until there is an error, and says how many messages came before it.
async fn drain(session: &mut Session) -> (usize, Error) {
    let mut messages = 0;
    loop {
        match next(session).await {
            Ok(_) => messages += 1,
            Err(error) => return (messages, error),
        }
    }
}

/// Publishes until there is an error: what is on its way already can't be called back.
async fn publish_until_error(session: &mut Session, payload: &Bytes) -> Error {
    loop {
        if let Err(error) = soon(session.outlet.publish(&[(room("lobby"), payload.clone())])).await {
            return error;
        }
    }
}

async fn the_server_is_killed(mut subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    session.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    next(&mut session).await?;
    subject.service().kill();
    let begin = Instant::now();
    let (_, error) = drain(&mut session).await;
    assert!(error.is_broker() && error.to_string().contains("closed"), "{error}");
    assert!(publish_until_error(&mut session, &"hello".into()).await.is_broker());
    assert!(session.outlet.subscribe(&[room("other")]).await.is_err());
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert!(subject.connect().await.is_err());

    subject.service().restart();
    let mut again = subject.connect().await?;
    again.outlet.subscribe(&[room("lobby")]).await?;
    again.outlet.publish(&[(room("lobby"), "hello again".into())]).await?;
    assert_eq!(next(&mut again).await?.1, "hello again");
    // The old one stays ended.
    assert!(next(&mut session).await.is_err());
    Ok(())
}

/// A client that connects again by itself would have missed messages, and nobody would know.
async fn the_server_is_back_at_once(mut subject: Subject) -> Result<()> {
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    subject.service().kill();
    subject.service().restart();
    let (messages, error) = drain(&mut session).await;
    assert_eq!(messages, 0);
    assert!(error.is_broker(), "{error}");
    publish_until_error(&mut session, &"hello".into()).await;
    assert_eq!(connections(subject.service()), 0);
    Ok(())
}

async fn the_server_stands_still(mut subject: Subject) -> Result<()> {
    let payload = Bytes::from(vec![0; 256 * 1024]);
    let (mut publisher, mut subscriber, mut idle) =
        (subject.connect().await?, subject.connect().await?, subject.connect().await?);
    let lobby = [room("lobby")];
    subject.service().stop();
    let begin = Instant::now();
    let (published, subscribed, connected) = tokio::join!(
        publish_until_error(&mut publisher, &payload),
        subscriber.outlet.subscribe(&lobby),
        subject.connect(),
    );
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(10), "{took:?}");
    for error in [published, subscribed.expect_err("nobody answers"), connected.expect_err("nobody answers")] {
        assert!(error.is_broker() && error.to_string().contains("within 5s"), "{error}");
    }
    // The other halves know.
    for session in [&mut publisher, &mut subscriber] {
        assert!(next(session).await.is_err());
    }
    // This one has not asked for anything, and goes on.
    subject.service().cont();
    idle.outlet.subscribe(&[room("lobby")]).await?;
    idle.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    while next(&mut idle).await?.1 != "hello" {}
    Ok(())
}

/// What waits is bounded, and what was lost is not lost silently.
async fn who_does_not_receive_loses_the_session(subject: Subject) -> Result<()> {
    let (mut slow, mut sender) = (subject.connect().await?, subject.connect().await?);
    slow.outlet.subscribe(&[room("lobby")]).await?;
    // The one counts bytes, the other one messages. More than what may be on its way besides.
    let (size, count) = if subject.broker.name() == "redis" { (1024 * 1024, 120) } else { (1, 80_000) };
    let messages = vec![(room("lobby"), Bytes::from(vec![0; size])); 20];
    for _ in 0..count / 20 {
        sender.outlet.publish(&messages).await?;
    }
    // Much of it may be on its way still.
    soon(async { while slow.outlet.subscribe(&[room("other")]).await.is_ok() {} }).await;
    let (messages, error) = drain(&mut slow).await;
    assert!(messages < count, "all {messages} came");
    assert!(error.is_broker(), "{error}");
    assert!(slow.outlet.publish(&[]).await.is_ok(), "nothing was asked for");
    // The others are not concerned.
    sender.outlet.publish(&[(room("lobby"), "hello".into())]).await
}

#[sockeye::test(flavor = "multi_thread")]
async fn redis_kills_its_subscribers() -> Result<()> {
    let mut subject = Subject::redis().await;
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    assert_eq!(redis_command(subject.service(), "CLIENT KILL TYPE pubsub").await, ":1\r\n");
    let (_, error) = drain(&mut session).await;
    assert!(error.to_string().contains("the server has closed the connection"), "{error}");
    assert!(session.outlet.publish(&[(room("lobby"), "hello".into())]).await.is_err());
    Ok(())
}

/// The documented rights are enough, and what is beyond them is refused aloud.
#[sockeye::test(flavor = "multi_thread")]
async fn redis_gives_few_rights() -> Result<()> {
    let service = Service::start("redis");
    let rule = "ACL SETUSER chat on >secret resetchannels &sockeye:* -@all +subscribe +unsubscribe +publish";
    assert_eq!(redis_command(&service, rule).await, "+OK\r\n");
    let broker = RedisBroker::new(&format!("redis://chat:secret@127.0.0.1:{}", service.port()))?;
    let mut session = broker.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    session.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    assert_eq!(next(&mut session).await?.1, "hello");
    session.outlet.unsubscribe(&[room("lobby")]).await?;

    let broker = broker.prefix("other");
    for publish in [false, true] {
        let mut session = broker.connect().await?;
        let error = match publish {
            false => session.outlet.subscribe(&[room("lobby")]).await,
            true => session.outlet.publish(&[(room("lobby"), "hello".into())]).await,
        };
        let error = error.expect_err("it may not");
        assert!(error.to_string().contains("no permissions"), "{error}");
        assert!(next(&mut session).await.is_err());
    }
    Ok(())
}

#[sockeye::test(flavor = "multi_thread")]
async fn nats_gives_few_rights() -> Result<()> {
    let file = std::env::temp_dir().join(format!("sockeye-nats-{}.conf", std::process::id()));
    let rights = r#"authorization { users = [{ user: chat, password: secret, permissions: { publish: "sockeye.>", subscribe: "sockeye.>" } }] }"#;
    std::fs::write(&file, rights)?;
    let service = Service::start_with("nats", &["--config", file.to_str().expect("a path in UTF-8")]);
    std::fs::remove_file(file)?;
    let broker = NatsBroker::new(&format!("nats://chat:secret@127.0.0.1:{}", service.port()))?;
    let mut session = broker.connect().await?;
    session.outlet.subscribe(&[room("lobby")]).await?;
    session.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    assert_eq!(next(&mut session).await?.1, "hello");
    session.outlet.unsubscribe(&[room("lobby")]).await?;

    let error = soon(broker.prefix("other").connect()).await.expect_err("it may not");
    assert!(error.to_string().contains("Permissions Violation"), "{error}");
    Ok(())
}
