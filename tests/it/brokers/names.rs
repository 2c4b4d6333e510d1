//! Names are data: none is syntax, none is another one's.

use sockeye::{NatsBroker, RedisBroker, Result, broker::Broker};

use sockeye_tests::services::Service;

use super::{Subject, looks::redis_command, next, room, with_each_broker, with_each_server};

with_each_broker![names_are_data];

mod servers {
    use super::{with_each_server, *};
    with_each_server![apps_with_other_prefixes_do_not_meet];
}

/// Names that are something else to somebody, and such as differ in little.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "lobby",
        "Lobby",
        "LOBBY",
        "lobby ",
        " lobby",
        "lobby\n",
        "lobby\r\n",
        "lobby\0",
        "*",
        "?",
        ">",
        ".",
        "..",
        "a.b",
        "a.*",
        "a.>",
        "a:b",
        "a:",
        ":",
        "[a-z]",
        "{a}",
        "{b}",
        "{}",
        "\\*",
        "%2A",
        "%2a",
        "%",
        "%%",
        "$SYS.>",
        "_INBOX.x",
        "nodes",
        "node:1",
        "room:lobby",
        "sockeye:nodes",
        "sockeye.nodes",
        "../x",
        "\t",
        "\u{a0}",
        "\u{2028}",
        "\u{202e}x",
        "e\u{301}",
        "\u{e9}",
        "x 5\r\nPUB other 1\r\n1",
        "x\r\n$3\r\nfoo\r\n*1\r\n$8\r\nFLUSHALL",
        "\u{1f41f}",
    ]
    .map(str::to_owned)
    .into();
    names.extend(["\u{1f41f}".repeat(256), "*".repeat(1024), "\n".repeat(1024), "a".repeat(1023), "a".repeat(1024)]);
    names.extend(('\u{1}'..='\u{ff}').map(|letter| format!("letter {letter}")));
    names
}

async fn names_are_data(subject: Subject) -> Result<()> {
    let (mut even, mut odd, mut sender) =
        (subject.connect().await?, subject.connect().await?, subject.connect().await?);
    let rooms: Vec<_> = names().iter().map(|name| room(name)).collect();
    let (first, second): (Vec<_>, Vec<_>) = rooms.iter().cloned().enumerate().partition(|(number, _)| number % 2 == 0);
    let only = |rooms: Vec<(usize, _)>| rooms.into_iter().map(|(_, room)| room).collect::<Vec<_>>();
    even.outlet.subscribe(&only(first)).await?;
    odd.outlet.subscribe(&only(second)).await?;
    for (number, room) in rooms.iter().enumerate() {
        sender.outlet.publish(&[(room.clone(), number.to_string().into())]).await?;
        // Exactly one is subscribed to it. What another one gets, it gets in the place of its next.
        let session = if number % 2 == 0 { &mut even } else { &mut odd };
        assert_eq!(next(session).await?, (room.clone(), number.to_string().into()));
    }
    // Nothing is left.
    let end = room("the end");
    for session in [&mut even, &mut odd] {
        session.outlet.subscribe(std::slice::from_ref(&end)).await?;
        session.outlet.publish(&[(end.clone(), "".into())]).await?;
        assert_eq!(next(session).await?.0, end);
    }
    Ok(())
}

async fn apps_with_other_prefixes_do_not_meet(mut subject: Subject) -> Result<()> {
    let (name, url) = (subject.broker.name(), subject.service().url().to_owned());
    let named = |prefix: &str| -> Box<dyn Broker> {
        match name {
            "redis" => Box::new(RedisBroker::new(&url).expect("its URL").prefix(prefix)),
            _ => Box::new(NatsBroker::new(&url).expect("its URL").prefix(prefix)),
        }
    };
    let mut sessions = Vec::new();
    for prefix in ["chat", "Chat", "chat-2", "c"] {
        let mut session = named(prefix).connect().await?;
        session.outlet.subscribe(&[room("lobby")]).await?;
        sessions.push((prefix, session));
    }
    for (prefix, session) in &mut sessions {
        session.outlet.publish(&[(room("lobby"), prefix.to_string().into())]).await?;
    }
    for (prefix, session) in &mut sessions {
        assert_eq!(next(session).await?.1, *prefix);
    }
    Ok(())
}

/// From a script, with nothing but the server's client.
#[sockeye::test]
async fn anybody_can_publish_to_redis() -> Result<()> {
    let mut subject = Subject::redis().await;
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby 1")]).await?;
    let answer = redis_command(subject.service(), "PUBLISH \"sockeye:room:lobby 1\" \"{\\\"v\\\":1}\\nhello\"").await;
    assert_eq!(answer, ":1\r\n");
    assert_eq!(next(&mut session).await?, (room("lobby 1"), "{\"v\":1}\nhello".into()));
    Ok(())
}

#[sockeye::test]
async fn anybody_can_publish_to_nats() -> Result<()> {
    use tokio::io::AsyncWriteExt;
    let mut subject = Subject::nats().await;
    let mut session = subject.connect().await?;
    session.outlet.subscribe(&[room("lobby 1")]).await?;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", subject.service().port())).await?;
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nPUB sockeye.room.lobby%201 13\r\n{\"v\":1}\nhello\r\n").await?;
    assert_eq!(next(&mut session).await?, (room("lobby 1"), "{\"v\":1}\nhello".into()));
    Ok(())
}

/// A database's number is no part of a channel.
#[sockeye::test]
async fn databases_of_redis_share_the_channels() -> Result<()> {
    let service = Service::start("redis");
    let brokers =
        [RedisBroker::new(&format!("{}/0", service.url()))?, RedisBroker::new(&format!("{}/7", service.url()))?];
    let (mut one, mut other) = (brokers[0].connect().await?, brokers[1].connect().await?);
    one.outlet.subscribe(&[room("lobby")]).await?;
    other.outlet.publish(&[(room("lobby"), "hello".into())]).await?;
    assert_eq!(next(&mut one).await?.1, "hello");
    Ok(())
}
